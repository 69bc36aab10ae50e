//! The subscriber library of hats: what a program on the same host needs to
//! ask `hatsd` what it knows and to be told what happens.
//!
//! It speaks `hats.ipc.v1` on the daemon's Unix socket (docs/ipc.md). A
//! [`Client`] asks and is answered; [`Client::subscribe`] turns it into a
//! [`Subscription`], which only listens. A program that wants to ask while it
//! listens opens two connections, so an answer and an event are never mistaken
//! for each other.
//!
//! ```no_run
//! use std::time::Duration;
//! use hats_client::{Client, Update, ipc::Filter, socket_path};
//!
//! # async fn follow() -> Result<(), hats_client::Error> {
//! let client = Client::connect(&socket_path(None), "example", Duration::from_secs(2)).await?;
//! let mut subscription = client.subscribe(Filter::default(), None).await?;
//! loop {
//!     match subscription.next().await? {
//!         Update::Snapshot(snapshot) => println!("{}", snapshot.overall),
//!         Update::Event(event) => println!("{} {}", event.code, event.msg),
//!         Update::Lost(lost) => println!("{} events lost, a snapshot follows", lost.count),
//!         Update::KeepAlive(_) => {}
//!     }
//! }
//! # }
//! ```
//!
//! It does not reconnect, log, or print; it keeps no state but the connection's.
#![forbid(unsafe_code)]

mod client;
mod connection;
mod error;
mod frame;
mod json;
mod path;
mod subscription;

pub use client::{Client, VERSION};
pub use error::Error;
pub use frame::{REPLY_MAX, REQUEST_MAX};
pub use hats_proto::ipc;
pub use json::{snapshot_to_json, to_json};
pub use path::{DEFAULT_SOCKET, SOCKET_VARIABLE, socket_path};
pub use subscription::{SILENCE_MAX, Subscription, Update};
