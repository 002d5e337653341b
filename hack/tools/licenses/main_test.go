// Copyright 2026 The symphony-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	isc = `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided
that the above copyright notice and this permission notice appear in all copies.
THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES
OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY
DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION,
ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.`
	zlib = `This software is provided 'as-is', without any express or implied warranty. In no event will the authors be held liable for any
damages arising from the use of this software. Permission is granted to anyone to use this software for any purpose, including commercial
applications, and to alter it and redistribute it freely, subject to the following restrictions:
1. The origin of this software must not be misrepresented; you must not claim that you wrote the original software. If you use this
software in a product, an acknowledgment in the product documentation would be appreciated but is not required.
2. Altered source versions must be plainly marked as such, and must not be misrepresented as being the original software.
3. This notice may not be removed or altered from any source distribution.`
)

func TestWhatIsLinkedHasALicenceThatIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		files       map[string]string
		want, fails string
	}{
		"the module's":       {map[string]string{"LICENSE": isc, "a/b/b.go": ""}, "m,ISC", ""},
		"by another name":    {map[string]string{"COPYING.txt": isc, "a/b/b.go": ""}, "m,ISC", ""},
		"one of the package": {map[string]string{"LICENSE": isc, "a/b/LICENSE": zlib}, "m,", "LICENSE is Zlib, which is not among"},
		"of a package beside": {
			map[string]string{"LICENSE": isc, "a/b/b.go": "", "a/c/LICENSE": zlib}, "m,ISC", "",
		},
		"none":           {map[string]string{"license.go": isc, "a/b/b.go": ""}, "m,", "there is no licence"},
		"one of its own": {map[string]string{"LICENSE": "Do as I say, and not as I do.", "a/b/b.go": ""}, "m,", "is no licence that is known"},
		"one that fails": {map[string]string{"LICENSE": zlib, "a/b/b.go": ""}, "m,", "Zlib"},
	} {
		t.Run(name, func(t *testing.T) {
			module := t.TempDir()
			for file, text := range c.files {
				path := filepath.Join(module, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			one := linked{Dir: filepath.Join(module, "a", "b")}
			one.Module = &struct {
				Path, Dir string
				Main      bool
			}{Path: "m", Dir: module}
			text, err := table([]linked{one, one})
			if !strings.Contains(text, c.want+"\n") {
				t.Errorf("got %q", text)
			}
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
		})
	}
}
