// Prometheus text: requests by status class and duration, memory, sessions.
'use strict';

const BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const requests = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };
const durations = BUCKETS.map(() => 0);
let seconds = 0;
let total = 0;
let sessions = [];

function count(request, response, next) {
  const begin = process.hrtime.bigint();
  response.on('finish', () => {
    const elapsed = Number(process.hrtime.bigint() - begin) / 1e9;
    requests[`${Math.floor(response.statusCode / 100)}xx`] += 1;
    BUCKETS.forEach((limit, index) => { if (elapsed <= limit) durations[index] += 1; });
    seconds += elapsed;
    total += 1;
  });
  next();
}

const sessionOpened = (expiresAt) => sessions.push(expiresAt.getTime());

function render() {
  const memory = process.memoryUsage();
  sessions = sessions.filter((expires) => expires > Date.now());
  const gauge = (name, help, value) => [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`];
  return [
    '# HELP http_requests_total Requests answered, by class of status.',
    '# TYPE http_requests_total counter',
    ...Object.entries(requests).map(([status, value]) => `http_requests_total{status="${status}"} ${value}`),
    '# HELP http_request_duration_seconds Time to answer a request.',
    '# TYPE http_request_duration_seconds histogram',
    ...BUCKETS.map((limit, index) => `http_request_duration_seconds_bucket{le="${limit}"} ${durations[index]}`),
    `http_request_duration_seconds_bucket{le="+Inf"} ${total}`,
    `http_request_duration_seconds_sum ${seconds}`,
    `http_request_duration_seconds_count ${total}`,
    ...gauge('process_resident_memory_bytes', 'Resident memory.', memory.rss),
    ...gauge('nodejs_heap_size_total_bytes', 'Heap reserved by V8.', memory.heapTotal),
    ...gauge('nodejs_heap_size_used_bytes', 'Heap in use.', memory.heapUsed),
    ...gauge('process_uptime_seconds', 'Seconds since the process started.', process.uptime()),
    ...gauge('trixtech_active_sessions', 'Sessions opened by this process that have not expired.', sessions.length),
    '',
  ].join('\n');
}

module.exports = { count, render, sessionOpened };
