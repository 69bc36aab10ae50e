//! The kernel, safely: sockets on one adapter, link events, timers, scheduling.
//!
//! The only crate with `unsafe`, each a single call with its reason. It decides
//! nothing and logs nothing: errors say what was tried, what the kernel
//! answered, and which privilege would help.

mod arp;
mod async_fd;
mod carrier;
mod clock;
mod echo;
mod error;
mod links;
mod option;
mod peer;
mod process;
mod realtime;
mod receive;
mod socket;
pub mod tap;
mod timer;
mod wait;

pub use arp::{Arp, ArpPacket, Mac};
pub use carrier::Carrier;
pub use clock::{boottime_ns, monotonic_ns};
pub use echo::{Echo, EchoAnswer};
pub use error::Error;
pub use links::{Address, Interface, Interfaces, LinkWatcher, Links, Scope};
pub use peer::peer_groups;
pub use process::rss_bytes;
pub use realtime::{lock_memory, set_realtime};
pub use socket::{AdapterSocket, Arrived, Audience, Group, Refused, SocketConfig};
pub use timer::Timer;
pub use wait::{Readiness, wait_readable};
