//! Every decision of hats.
//!
//! No clock, socket, log, thread or hash map: time is an argument, output is
//! plain values. `no_std` makes the compiler hold us to it.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod arbiter;
pub mod config;
pub mod damping;
pub mod diagnose;
pub mod election;
pub mod event;
pub mod group;
pub mod io;
pub mod linkstate;
pub mod members;
pub mod monitor;
pub mod nim;
pub mod node;
mod pace;
pub mod quality;
pub mod ring;
pub mod say;
pub mod sizes;
pub mod targets;
pub mod time;
pub mod told;
mod topology;
pub mod view;
