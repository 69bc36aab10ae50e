//! The protocol code on a simulated network with a virtual clock.
//!
//! A [`World`] runs the unchanged machines of nodes and NIMs: this crate is the
//! shell that hatsd, hats-nim, kernels and switches are in reality, and decides
//! nothing of the protocol. It has one source of time and one of randomness, so
//! that a seed is a run. Faults are injected by name ([`World::cut`] and its
//! neighbours), everything published is recorded ([`World::events`]), and
//! checkers that know what was really done watch every step.
//!
//! ```no_run
//! use std::time::Duration;
//! use hats_sim::World;
//!
//! let mut world = World::lan(5, 2).seed(7).build();
//! world.run_until(World::settled, Duration::from_secs(5)).expect("the cluster forms");
//! world.deaf("n3", "neta");
//! world.run_for(Duration::from_secs(2));
//! ```
//!
//! # The trace
//!
//! `HATS_TRACE=events` prints published events and faults; `1` also what the
//! daemons do, without heartbeats, probes' packets, leases and statistics; `all`
//! prints everything. `HATS_TRACE_NODES=n1,n3` and `HATS_TRACE_NETWORKS=neta`
//! narrow it down, `HATS_TRACE_FROM=12.5` begins at that second.
//!
//! ```text
//!   12.345678 n3/neta  > n5     Join n3#7 into n5#9 [n3 n2]      datagram sent
//!   12.345779 n5/neta  < n3     Join ...                         arrived (all)
//!   12.345678 n3/neta  x n5     Join ...: receiver is deaf       lost, and why
//!   12.345678 n3/neta  v        Watch n5#9 feed n2 expect n4     daemon to NIM
//!   12.345678 n3/neta  ^        Neighbour n4 Silent missed 4     NIM to daemon
//!   12.345678 n3       ~        Group(AdapterIndex(0))           deadline
//!   12.345678 n3       !        adapter.down n4/neta both: ...   published
//!   12.345678 n3       =        daemon starts, run 1000          process
//!   12.345678 --------          cut n4/neta                      fault
//! ```
//!
//! Adapters go by their node's name; `n5#9` is instance 9 of the group that n5
//! leads; times are the world's, in seconds.
#![forbid(unsafe_code)]

mod belief;
pub mod bench;
pub mod campaign;
mod chance;
mod check;
mod clock;
mod daemon;
mod expect;
pub mod experiments;
mod faults;
mod host;
mod net;
mod nim;
mod plan;
mod process;
mod queue;
mod record;
pub mod report;
mod scale;
mod settled;
mod summary;
mod trace;
mod traffic;
mod truth;
mod world;

pub use check::Checker;
pub use expect::Blame;
pub use faults::{Suspend, Way};
pub use net::{Conditions, Lost};
pub use plan::{Plan, Timing};
pub use record::{Mark, Said};

pub use trace::{Detail, Tracing};
pub use traffic::{Count, Traffic};
pub use world::World;
