-- The load as corelab_bench describes it, for wrk. Arguments after `--`:
--   PIPELINE CLOSE(0|1) SLOW_SHARE SLOW_PATH SEED POST_BYTES
-- Without pipelining and mixing `request` stays undefined, so that wrk sends one fixed string at its full speed.

function init(args)
  local pipeline, close = tonumber(args[1]), args[2] == "1"
  local slow_share, slow_path = tonumber(args[3]), args[4]
  local headers = close and {["Connection"] = "close"} or nil
  if close then
    wrk.headers["Connection"] = "close"
  end
  if tonumber(args[6]) > 0 then
    wrk.method, wrk.body = "POST", string.rep("x", tonumber(args[6]))
  end
  local plain = wrk.format(nil, nil, headers)
  if slow_share > 0 then
    local slow = wrk.format("GET", slow_path, headers)
    math.randomseed(tonumber(args[5]))
    request = function() return math.random() < slow_share and slow or plain end
  elseif pipeline > 1 then
    local batch = string.rep(plain, pipeline)
    request = function() return batch end
  end
end

-- No latency here: wrk's is back-filled from a closed loop and would mislead.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'corelab-wrk {"requests":%d,"microseconds":%d,"bytes":%d,"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
