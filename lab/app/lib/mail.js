// Mail by SMTP with the settings of the env file.
'use strict';

const nodemailer = require('nodemailer');

const transport = nodemailer.createTransport({
  host: process.env.EMAIL_HOST,
  port: Number(process.env.EMAIL_PORT),
  secure: false,
  ignoreTLS: true,
  auth: { user: process.env.EMAIL_USER, pass: process.env.EMAIL_PASS },
  connectionTimeout: 5000,
  greetingTimeout: 5000,
});

const verify = () => transport.verify();

async function bookingReceived(booking, user) {
  await transport.sendMail({
    from: process.env.EMAIL_FROM,
    to: user ? user.email : process.env.EMAIL_FROM,
    subject: `Your booking ${booking._id}`,
    text: `We have received your booking for ${booking.bookingDate.toISOString().slice(0, 10)}, ${booking.timeSlot}.\n`,
  });
}

module.exports = { bookingReceived, verify };
