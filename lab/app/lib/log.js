// The logs: access log in combined format, errors as JSON lines in a file per day, chatter for PM2 on stdout.
'use strict';

const fs = require('fs');
const path = require('path');
const util = require('util');

const DIRECTORY = path.join(__dirname, '..', 'logs');
fs.mkdirSync(DIRECTORY, { recursive: true });

const access = { write: (line) => fs.appendFileSync(path.join(DIRECTORY, 'access.log'), line) };

function error(cause, request) {
  const now = new Date().toISOString();
  const entry = {
    level: 'error',
    message: cause.message,
    method: request && request.method,
    path: request && request.path,
    stack: cause.stack,
    timestamp: now,
  };
  fs.appendFileSync(path.join(DIRECTORY, `error-${now.slice(0, 10)}.log`), `${JSON.stringify(entry)}\n`);
  console.error(`\u001b[31m✖ ${cause.message}\u001b[39m`);
}

// Several lines, colours, no time, personal data in clear: what PM2's logs of the real application look like.
function booking(document, user) {
  console.log(`\u001b[36mNew booking\u001b[39m ${util.inspect(
    { id: String(document._id), customer: user && user.name, email: user && user.email, slot: document.timeSlot }, { colors: true, breakLength: 40 },
  )}`);
}

module.exports = { access, booking, error };
