-- Sends the bodies of the file $BODY, one on each line, in turn. __KEY__ becomes a new key each time.
-- With CHECK=1 every answer is looked at: one with errors counts as failed.
local bodies, requests, position = {}, {}, 0
-- Globals, which is what `done` can read of a thread.
failed_answers, failed_example = 0, nil
local headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/json", ["Authorization"] = os.getenv("AUTHORIZATION") }
local digits = "0123456789abcdef"
local threads = {}

for line in io.lines(os.getenv("BODY")) do bodies[#bodies + 1] = line end
local makes_keys = bodies[1]:find("__KEY__", 1, true) ~= nil

local function key()
  local text = {}
  for place = 1, 32 do
    local digit = math.random(1, 16)
    text[place] = digits:sub(digit, digit)
  end
  text = table.concat(text)
  return text:sub(1, 8) .. "-" .. text:sub(9, 12) .. "-" .. text:sub(13, 16) .. "-" .. text:sub(17, 20) .. "-" .. text:sub(21)
end

function setup(thread)
  threads[#threads + 1] = thread
end

function init()
  local source = io.open("/dev/urandom", "rb")
  local a, b, c = source:read(3):byte(1, 3)
  source:close()
  math.randomseed(a * 65536 + b * 256 + c)
  for number, body in ipairs(bodies) do
    requests[number] = makes_keys and body or wrk.format("POST", nil, headers, body)
  end
  position = math.random(1, #bodies)
  if os.getenv("CHECK") then
    response = function(status, _, body)
      if status ~= 200 or body:find('"errors"', 1, true) then
        failed_answers = failed_answers + 1
        failed_example = failed_example or body:sub(1, 300)
      end
    end
  end
end

function request()
  position = position % #bodies + 1
  if makes_keys then return wrk.format("POST", nil, headers, (requests[position]:gsub("__KEY__", key()))) end
  return requests[position]
end

function done(summary, latency)
  local failures, shown = 0, ""
  for _, thread in ipairs(threads) do
    failures = failures + (thread:get("failed_answers") or 0)
    shown = thread:get("failed_example") or shown
  end
  local errors = summary.errors
  io.write(string.format('RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,"errors":%d}\n', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
  io.write(string.format("FAILED %d %s\n", failures, shown))
end
