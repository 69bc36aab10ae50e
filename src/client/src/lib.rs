//! The subscriber library of hats: what a program on the same host needs to
//! ask `hatsd` what it knows and to be told what happens.
//!
//! It speaks `hats.ipc.v1` on the daemon's Unix socket (docs/ipc.md). Most
//! programs want a [`Follower`]: it connects, connects again, misses nothing, and
//! keeps the state of the cluster. `examples/follow.rs` is a whole program:
//!
//! ```no_run
#![doc = include_str!("../examples/follow.rs")]
//! ```
//!
//! Below it a [`Client`] asks and is answered; [`Client::subscribe`] turns it into
//! a [`Subscription`], which only listens. A program that wants to ask while it
//! listens opens two connections, so an answer and an event are never mistaken
//! for each other.
//!
//! It does not log or print, and keeps nothing on disk: a program that must not
//! miss events while it is not running remembers [`Follower::resume_point`].
#![forbid(unsafe_code)]

mod client;
mod connection;
mod error;
mod follower;
mod frame;
mod json;
mod past;
mod path;
mod subscription;
mod view;

pub use client::{Client, VERSION};
pub use error::Error;
pub use follower::{Follower, Gap, News};
pub use frame::{REPLY_MAX, REQUEST_MAX};
pub use hats_proto::ipc;
pub use json::{snapshot_to_json, to_json};
pub use past::{Past, PastUpdate};
pub use path::{DEFAULT_SOCKET, SOCKET_VARIABLE, socket_path};
pub use subscription::{SILENCE_MAX, Subscription, Update};
pub use view::View;
