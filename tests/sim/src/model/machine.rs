//! What is explored: the unchanged group machine, or a broken one that the
//! rules must catch.

use std::{fmt, net::IpAddr};

use hats_core::{
    config::Detection,
    group::{Group, Output},
    time::Timestamp,
};
use hats_wire::{Cause, GroupId, Member, Message};

/// What happens to a machine, apart from time.
#[derive(Clone, Debug)]
pub enum Input {
    /// Its adapter can be used.
    Enable,
    /// Its deadline has come.
    Wake,
    /// A datagram arrived.
    Heard {
        /// Whose.
        from: IpAddr,
        /// What it says.
        message: Message,
    },
    /// A verdict or a fact says that a member is to leave.
    Doom {
        /// Which.
        whom: IpAddr,
        /// Why.
        cause: Cause,
    },
    /// A heartbeat names another group.
    Stranger {
        /// Whose heartbeat.
        from: IpAddr,
        /// Which group.
        group: GroupId,
    },
    /// A watched neighbour lives and does not feed this member.
    Compare(IpAddr),
    /// Its node concluded that it hears nobody.
    Isolate,
    /// Its node stops.
    Retire,
}

/// A group machine, or something that stands in for one.
pub trait Machine: Clone + fmt::Debug {
    /// One that has just started; instances begin after `first`.
    fn started(me: Member, detection: &Detection, first: u64) -> Self;

    /// Takes one input, and gives what it wants done about it.
    fn take(&mut self, now: Timestamp, input: Input) -> Vec<Output>;

    /// The machine itself.
    fn group(&self) -> &Group;
}

impl Machine for Group {
    fn started(me: Member, detection: &Detection, first: u64) -> Self {
        Group::new(me, detection, first)
    }

    fn take(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        match input {
            Input::Enable => self.enable(now),
            Input::Wake => self.wake(now),
            Input::Heard { from, message } => self.handle(now, from, message),
            Input::Doom { whom, cause } => self.doom(now, whom, cause, ""),
            Input::Stranger { from, group } => self.on_stranger(now, from, group),
            Input::Compare(neighbour) => self.compare_with(neighbour),
            Input::Isolate => self.isolate(now),
            Input::Retire => self.retire(),
        }
        self.drain()
    }

    fn group(&self) -> &Group {
        self
    }
}
