// Faults of the application, switched by lab/fault through one file each in the directory LAB_FAULTS.
// Files, so that a switch outlives a restart and works while the application is down.
'use strict';

const fs = require('fs');
const path = require('path');

const DIRECTORY = process.env.LAB_FAULTS;
const CRASH_AFTER_MS = 1500; // longer than PM2's min_uptime: unstable_restarts stays 0, only restart_time grows
const LEAK_BYTES = 32 * 1024 * 1024;
const LEAK_LIMIT_BYTES = 480 * 1024 * 1024;
const SLOW_MS = 1500;
const FAIL_EVERY = 4;

const held = new Set();
const leaked = [];
let requests = 0;

const active = (name) => Boolean(DIRECTORY) && fs.existsSync(path.join(DIRECTORY, name));

// The paths that look at the application, which a failing application still answers.
const watching = (request) => request.path === '/metrics' || request.path.startsWith('/api/health');

function middleware(request, response, next) {
  if (active('app-hanging')) {
    held.add(response);
    response.on('close', () => held.delete(response));
    return undefined;
  }
  if (active('app-failing') && !watching(request)) {
    requests += 1;
    if (requests % FAIL_EVERY === 0) return next(new Error('lab fault app-failing: the payment gateway refused the request'));
  }
  if (active('app-slow')) return setTimeout(next, SLOW_MS);
  return next();
}

function watch() {
  setInterval(() => {
    if (active('app-crash-loop') && process.uptime() * 1000 > CRASH_AFTER_MS) {
      console.error('TypeError: Cannot read properties of undefined (reading \'slots\')');
      process.exit(1);
    }
    if (!active('app-hanging')) held.forEach((response) => response.destroy());
    if (!active('app-leaking')) leaked.length = 0;
    else if (leaked.length * LEAK_BYTES < LEAK_LIMIT_BYTES) leaked.push(Buffer.alloc(LEAK_BYTES, 1));
  }, 200).unref();
}

module.exports = { active, middleware, watch };
