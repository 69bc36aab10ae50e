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
//! `hats-sim replay` prints one line for each thing that happens; so does any
//! test with `HATS_TRACE=events|1|all` in its environment, on standard error.
//! `HATS_TRACE_NODES=n1,n3` and `HATS_TRACE_NETWORKS=neta` narrow it down,
//! `HATS_TRACE_FROM=12.5` begins at that second. `docs/hats-sim.md` has the legend.
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
mod freeze;
mod host;
pub mod matrix;
pub mod model;
mod net;
mod nim;
mod ordered;
mod plan;
mod process;
mod queue;
mod record;
pub mod report;
mod scale;
mod settled;
mod summary;
mod tamper;
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
