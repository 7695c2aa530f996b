import { Script } from './redis-client.ts';

/*
 * All times are Redis' own, so that clocks of processes needn't agree. `since` is when the first of a kind of heartbeats
 * came into an empty Redis: younger than a time to live it doesn't know everybody yet.
 *
 * The bounds keep each script well under a millisecond per hundred keys, since nothing else runs meanwhile.
 */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

const IS_YOUNG = `
local since = tonumber(redis.call('GET', since_key) or now)
local young = (now - since < ttl) and 1 or 0
`;

/** Members that announce themselves, at most. */
export const MAX_MEMBERS = 4_096;

/** Keys one call of a tally touches. */
export const TALLY_KEYS = 250;

/** KEYS: seen, texts, since. ARGV: ttl in ms, id, text. Answers whether it is young and how many members there are. */
export const ANNOUNCE = new Script(`${NOW}
local ttl, since_key = tonumber(ARGV[1]), KEYS[3]
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ttl, 'LIMIT', 0, 1000)
for _, id in ipairs(gone) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
if redis.call('ZCARD', KEYS[1]) >= ${MAX_MEMBERS} and not redis.call('ZSCORE', KEYS[1], ARGV[2]) then
  return redis.error_reply('FULL there are ${MAX_MEMBERS} members')
end
redis.call('SET', since_key, now, 'NX')
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ttl * 10) end
${IS_YOUNG}
return {young, redis.call('ZCARD', KEYS[1])}
`);

/** KEYS: seen, texts. ARGV: id. */
export const LEAVE = new Script(`
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
`);

/** KEYS: seen, texts, since. ARGV: ttl in ms. Answers whether it is young, then the texts of the members. */
export const MEMBERS = new Script(`${NOW}
local ttl, since_key = tonumber(ARGV[1]), KEYS[3]
${IS_YOUNG}
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. (now - ttl), '+inf', 'LIMIT', 0, ${MAX_MEMBERS})
local texts = {}
if #ids > 0 then texts = redis.call('HMGET', KEYS[2], unpack(ids)) end
return {young, unpack(texts)}
`);

/** KEYS: since, then a hash per tenant. ARGV: ttl in ms, field, then a value per tenant; 0 takes the field out. */
export const TALLY_PUT = new Script(`${NOW}
local ttl = tonumber(ARGV[1])
redis.call('SET', KEYS[1], now, 'NX')
redis.call('PEXPIRE', KEYS[1], ttl * 10)
for i = 2, #KEYS do
  if ARGV[i + 1] == '0' then
    redis.call('HDEL', KEYS[i], ARGV[2])
  else
    redis.call('HSET', KEYS[i], ARGV[2], ARGV[i + 1] .. ' ' .. now)
    redis.call('PEXPIRE', KEYS[i], ttl)
  end
end
return 1
`);

/**
 * KEYS: since, then a hash per tenant. ARGV: ttl in ms. A field is \`group:id\`, a value \`number time\`.
 * Answers whether it is young, then per tenant the sum over groups of their largest value, as a text.
 */
export const TALLY_TOTALS = new Script(`${NOW}
local ttl, since_key = tonumber(ARGV[1]), KEYS[1]
${IS_YOUNG}
local answer = {young}
for i = 2, #KEYS do
  local fields = redis.call('HGETALL', KEYS[i])
  local largest = {}
  for j = 1, #fields, 2 do
    local group = string.match(fields[j], '^[^:]*')
    local value, at = string.match(fields[j + 1], '^(%S+) (%d+)$')
    if now - tonumber(at) >= ttl then
      redis.call('HDEL', KEYS[i], fields[j])
    else
      largest[group] = math.max(largest[group] or 0, tonumber(value))
    end
  end
  local total = 0
  for _, value in pairs(largest) do total = total + value end
  answer[i] = string.format('%.17g', total)
end
return answer
`);

/** KEYS: lease. ARGV: value, ttl in ms, then the expected value unless nothing is. Answers 1, or 0 and what stands there. */
export const COMPARE_AND_SET = new Script(`
local current = redis.call('GET', KEYS[1])
if current ~= (ARGV[3] or false) then return {0, current} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {1}
`);
