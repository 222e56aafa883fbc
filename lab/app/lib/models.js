// The parts of the documents that the application touches. The data generator (lab/data.py) writes all of them.
'use strict';

const mongoose = require('mongoose');

const { ObjectId } = mongoose.Schema.Types;

const Booking = mongoose.model('Booking', new mongoose.Schema({
  customerId: { type: ObjectId, required: true },
  serviceId: { type: ObjectId, required: true },
  bookingDate: { type: Date, required: true },
  timeSlot: { type: String, required: true },
  status: { type: String, enum: ['pending', 'confirmed', 'cancelled', 'completed'], default: 'pending' },
  price: { type: Number, required: true },
  notes: String,
}, { timestamps: true }));

const User = mongoose.model('User', new mongoose.Schema({
  name: String,
  email: String,
  passwordHash: String,
  role: String,
  isActive: Boolean,
}, { timestamps: true }));

const Session = mongoose.model('Session', new mongoose.Schema({
  token: String,
  userId: ObjectId,
  userAgent: String,
  expiresAt: Date,
}, { timestamps: true }));

module.exports = { Booking, Session, User };
