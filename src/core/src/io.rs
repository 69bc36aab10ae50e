//! What goes into a node and what comes out of it.

use hats_wire::link::{Command, Report};

use crate::{config::AdapterSpec, event::Event, time::Timestamp};

/// Which local adapter: a number the shell gives out and never reuses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AdapterIndex(pub u32);

/// What happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// A local adapter is to be served. Its NIM need not run yet.
    AdapterAdded {
        /// The number it has from now on.
        adapter: AdapterIndex,
        /// What it is.
        spec: AdapterSpec,
    },
    /// A local adapter is no longer to be served (its configuration went away,
    /// or its address moved on).
    AdapterRemoved {
        /// Which.
        adapter: AdapterIndex,
    },
    /// The default gateway in a local adapter's subnet, as the kernel has it.
    GatewayFound {
        /// Which.
        adapter: AdapterIndex,
        /// None: there is none (any more).
        gateway: Option<core::net::IpAddr>,
    },
    /// A NIM process runs and can be talked to; it knows nothing yet.
    NimStarted {
        /// Whose.
        adapter: AdapterIndex,
    },
    /// A NIM process is gone; the shell starts another one.
    NimDied {
        /// Whose.
        adapter: AdapterIndex,
        /// The process that died.
        pid: u32,
        /// How it died, in words: "killed by signal 9".
        how: alloc::string::String,
    },
    /// A NIM said something.
    Nim {
        /// Whose.
        adapter: AdapterIndex,
        /// What.
        report: Report,
    },
    /// The driver was this much later than it meant to be.
    Late {
        /// Nanoseconds.
        lateness_ns: u64,
    },
    /// Stop in good order: say so everywhere, then [`Effect::Left`].
    Leave,
}

/// What the shell must do.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Pass this on to a NIM; if it does not run, drop it.
    Nim {
        /// Whose.
        adapter: AdapterIndex,
        /// What.
        command: Command,
    },
    /// End a NIM process by force, and start another one.
    EndNim {
        /// Whose.
        adapter: AdapterIndex,
        /// For the report of its death.
        why: alloc::string::String,
    },
    /// Number it, stamp it, log it and give it to subscribers.
    Publish(Event),
    /// Everybody who could be told has been told: the daemon may exit.
    Left,
}

/// Why a node wants to be woken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Deadline {
    /// A local adapter's group: listening, proclaiming, a round, a join.
    Group(AdapterIndex),
    /// A case this node reported or arbitrates.
    Case,
    /// Leases of the NIMs.
    Lease,
    /// The link-state database: repeat or compare.
    LinkState,
    /// The alive line.
    Alive,
    /// The leave must end even if nobody acknowledges it.
    Leave,
}

/// When to wake, and why.
pub type Wake = (Timestamp, Deadline);
