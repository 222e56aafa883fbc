// The lab's booking application. It copies the habits of the real one that maintenance has to cope with:
// a liveness path that is always 200, a deep path that is 200 with "unhealthy" in its body, bookings without an index,
// an error log that appears at the first error, PM2 logs without times, and a process that stays "online" for 30 s
// after it has lost its database. SPDX-License-Identifier: GPL-3.0-or-later
'use strict';

require('dotenv').config({ path: `${__dirname}/.env`, quiet: true });
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const express = require('express');
const mongoose = require('mongoose');
const morgan = require('morgan');
const faults = require('./lib/faults');
const log = require('./lib/log');
const mail = require('./lib/mail');
const metrics = require('./lib/metrics');
const { Booking, Session, User } = require('./lib/models');

const UPLOADS = path.join(__dirname, 'uploads');
const LOST_DATABASE_EXIT_MS = 30000;

faults.watch();
const app = express();
app.disable('x-powered-by');
app.use(morgan('combined', { stream: log.access }));
app.use(metrics.count);
app.use(faults.middleware);
app.use(express.json({ limit: '1mb' }));

app.get('/api/health', (request, response) => {
  response.json({ status: 'ok', message: 'TrixTech API is running' });
});

// Checks one part and says what is wrong with it; never throws.
async function part(check) {
  try {
    await check();
    return { status: 'healthy' };
  } catch (error) {
    return { status: 'unhealthy', error: error.message };
  }
}

app.get('/api/health/deep', async (request, response) => {
  const [database, email, uploads] = await Promise.all([
    part(async () => {
      if (mongoose.connection.readyState !== 1) throw new Error('not connected');
      await mongoose.connection.db.command({ ping: 1 });
    }),
    part(() => mail.verify()),
    part(() => fs.promises.access(UPLOADS, fs.constants.R_OK | fs.constants.W_OK)),
  ]);
  if (faults.active('app-unhealthy')) Object.assign(uploads, { status: 'unhealthy', error: 'lab fault app-unhealthy' });
  const components = { database, email, uploads };
  const healthy = Object.values(components).every((component) => component.status === 'healthy');
  response.json({ status: healthy ? 'healthy' : 'unhealthy', uptime: process.uptime(), components });
});

app.get('/metrics', (request, response) => {
  response.type('text/plain; version=0.0.4').send(metrics.render());
});

const digest = (token) => crypto.createHash('sha256').update(token).digest('hex');

// Passes what an asynchronous handler throws to the error handler (Express 4 does not).
const route = (handler) => (request, response, next) => handler(request, response, next).catch(next);

const signedIn = route(async (request, response, next) => {
  const token = (request.get('authorization') || '').replace(/^Bearer /, '');
  const session = token && (await Session.findOne({ token: digest(token), expiresAt: { $gt: new Date() } }).lean());
  if (!session) return response.status(401).json({ error: 'sign in first' });
  request.userId = session.userId;
  return next();
});

app.post('/api/auth/login', route(async (request, response) => {
  const { email, password } = request.body || {};
  const user = await User.findOne({ email: String(email || '') }).lean();
  const [salt, hash] = (user ? user.passwordHash : ':').split(':');
  const given = crypto.scryptSync(String(password || ''), salt, 32, { N: 1024 }).toString('hex');
  // a failed login is written nowhere, as in the real application
  if (!user || !user.isActive || given !== hash) return response.status(401).json({ error: 'wrong e-mail or password' });
  const token = crypto.randomBytes(24).toString('hex');
  const expiresAt = new Date(Date.now() + 24 * 3600 * 1000);
  await Session.create({ token: digest(token), userId: user._id, expiresAt, userAgent: request.get('user-agent') });
  metrics.sessionOpened(expiresAt);
  return response.json({ token, userId: user._id });
}));

app.get('/api/bookings', route(async (request, response) => {
  if (!mongoose.isValidObjectId(request.query.customerId)) return response.status(400).json({ error: 'customerId is missing' });
  const query = { customerId: new mongoose.Types.ObjectId(String(request.query.customerId)) };
  if (request.query.status) query.status = String(request.query.status);
  return response.json(await Booking.find(query).sort({ bookingDate: -1 }).limit(50).lean());
}));

app.post('/api/bookings', signedIn, route(async (request, response) => {
  const { serviceId, bookingDate, timeSlot, price, notes } = request.body;
  const booking = await Booking.create({ customerId: request.userId, serviceId, bookingDate, timeSlot, price, notes });
  const user = await User.findById(request.userId).lean();
  log.booking(booking, user);
  await mail.bookingReceived(booking, user);
  response.status(201).json(booking);
}));

app.patch('/api/bookings/:id/confirm', signedIn, route(async (request, response) => {
  const booking = await Booking.findOneAndUpdate(
    { _id: request.params.id, status: 'pending' }, { status: 'confirmed' }, { new: true },
  ).lean();
  if (!booking) return response.status(404).json({ error: 'no pending booking of this id' });
  return response.json(booking);
}));

app.put('/api/uploads/:name', signedIn, express.raw({ type: () => true, limit: '10mb' }), route(async (request, response) => {
  const name = path.basename(request.params.name);
  await fs.promises.writeFile(path.join(UPLOADS, name), request.body);
  response.status(201).json({ file: name, bytes: request.body.length });
}));

app.use((request, response) => response.status(404).json({ error: 'no such path' }));

app.use((error, request, response, next) => { // eslint-disable-line no-unused-vars
  const status = error.status || (error.name === 'ValidationError' || error.name === 'CastError' ? 400 : 500);
  if (status >= 500) log.error(error, request);
  response.status(status).json({ error: status >= 500 ? 'internal error' : error.message });
});

let lostSince = Date.now();
setInterval(() => {
  if (mongoose.connection.readyState === 1) lostSince = Date.now();
  else if (Date.now() - lostSince > LOST_DATABASE_EXIT_MS) {
    log.error(new Error('MongoDB has been away for 30 s, giving up'));
    process.exit(1);
  }
}, 1000).unref();

function connect() {
  // no indexes of its own: the lab's data has those of the real application, and no more
  mongoose.connect(process.env.MONGODB_URI, { autoIndex: false, autoCreate: false }).then(
    () => console.log('\u001b[32m✔ MongoDB connected\u001b[39m'),
    (error) => {
      console.error(`\u001b[31mMongoDB connection error:\u001b[39m ${error.message}`);
      setTimeout(connect, 1000);
    },
  );
}

connect();
app.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`\u001b[36m🚀 Server running on port ${process.env.PORT}\u001b[39m`);
});
