-- Argo CD's health of a SymphonyCluster, from the conditions that kstatus defines. README.md says how to install it.
local function progressing(message)
  return { status = "Progressing", message = message }
end

-- A status about an older spec says nothing about this one.
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return progressing("the operator has not seen this generation yet")
end

local found = {}
for _, condition in ipairs(obj.status.conditions or {}) do
  found[condition.type] = condition
end

local stalled, ready = found.Stalled, found.Ready
if stalled ~= nil and stalled.status == "True" then
  return { status = "Degraded", message = stalled.reason .. ": " .. stalled.message }
end
if ready ~= nil and ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
local what = found.Reconciling or ready
if what == nil then
  return progressing("there is no Ready condition yet")
end
return progressing(what.reason .. ": " .. what.message)
