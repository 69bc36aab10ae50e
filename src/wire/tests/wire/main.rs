//! What bytes mean, tried from outside.
#![allow(clippy::unwrap_used, reason = "these are tests, their helpers included")]

mod chunks;
mod datagrams;
mod link;
mod samples;
