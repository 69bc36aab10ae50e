//! Everything a running daemon holds, and what it does with what happens.
//!
//! No waiting in here: `run` waits, and calls in with the time.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use hats_core::{
    config::Config,
    event::{Event, EventKind},
    io::{Effect, Input},
    node::Node,
    time::{Timestamp, nanos},
};
use hats_proto::ipc as proto;

use crate::{
    clock::{self, Worst},
    config::Settings,
    discovery::{self, Change, Interface, Plan, Roster, Waiting},
    inherit,
    ipc::{self, Hub, Place, Wants},
    journal::Journal,
    log::Log,
    nim::Nims,
    publish::{Publisher, wall_clock},
    snapshot,
};

/// Being this late, or half a detection time, is said to the core, which then
/// trusts itself less.
const LATE_MAX: Duration = Duration::from_millis(50);

/// Who keeps a view is told of changes at most so often.
const VIEW_EVERY: Duration = Duration::from_millis(50);

/// What changes without an event is looked for so often.
const VIEW_LOOK: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(crate) struct Daemon {
    settings: Settings,
    node: Node,
    publisher: Publisher,
    log: Log,
    /// None: events are not kept.
    journal: Option<Journal>,
    pub(crate) hub: Hub,
    pub(crate) nims: Nims,
    roster: Roster,
    plan: Plan,
    /// What is waited for and has been said to be.
    said: BTreeSet<Waiting>,
    lateness: Worst,
    started: Timestamp,
    /// When those who keep a view were told last, and when they are next.
    view_told: Timestamp,
    view_due: Timestamp,
    left: bool,
}

/// What a daemon writes to and talks to.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) log: Log,
    pub(crate) journal: Option<Journal>,
    pub(crate) hub: Hub,
    pub(crate) nims: Nims,
}

impl Daemon {
    /// A daemon that has not looked at its interfaces yet.
    pub(crate) fn new(settings: Settings, config: Config, shell: Shell, now: Timestamp) -> Self {
        let Shell { log, journal, hub, nims } = shell;
        let publisher = Publisher::new(&config.cluster, &config.node, config.incarnation.0);
        let mut node = Node::new(config, now);
        if let Some(journal) = &journal {
            let cluster = &node.config().cluster;
            node.inherit(inherit::open_faults(&journal.archive(), cluster));
        }
        let mut daemon = Daemon {
            settings,
            node,
            publisher,
            log,
            journal,
            hub,
            nims,
            roster: Roster::default(),
            plan: Plan::default(),
            said: BTreeSet::new(),
            lateness: Worst::default(),
            started: now,
            view_told: now,
            view_due: now,
            left: false,
        };
        daemon.perform(now);
        daemon
    }

    /// When something is to be done even if nothing happens.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let node = self.node.next_deadline().map(|(at, _)| at);
        let roster = self.roster.next_expiry().filter(|_| self.is_zero_configuration());
        let view = self.hub.has_view().then_some(self.view_due);
        let all = [node, self.nims.next_deadline(), self.hub.next_keep_alive(), roster, view];
        all.into_iter().flatten().min()
    }

    /// Everybody who could be told has been told that this node leaves.
    pub(crate) fn has_left(&self) -> bool {
        self.left
    }

    /// Takes what NIMs have said and done, then does what is due. The order
    /// matters: a heartbeat that has arrived must count before its deadline.
    pub(crate) fn turn(&mut self, now: Timestamp) {
        for input in self.nims.collect(now) {
            self.handle(now, input);
        }
        if self.node.next_deadline().is_some_and(|(at, _)| at <= now) {
            self.node.wake(now);
            self.perform(now);
        }
        if self.is_zero_configuration() && self.roster.next_expiry().is_some_and(|at| at <= now) {
            let changes = self.roster.expire(now);
            self.follow(changes, now);
        }
        if !self.hub.has_view() {
            // One that comes has the state of now.
            self.view_due = now + VIEW_LOOK;
        } else if self.view_due <= now {
            let snapshot = self.snapshot(now);
            self.hub.tell_changes(snapshot, None);
            (self.view_told, self.view_due) = (now, now + VIEW_LOOK);
        }
        self.hub.keep_alive(self.place(now));
    }

    /// The loop woke this much later than it meant to.
    pub(crate) fn late(&mut self, lateness: Duration, now: Timestamp) {
        self.lateness.note(lateness, now);
        let limit = LATE_MAX.min(self.node.config().detection.detection_time() / 2);
        if lateness >= limit {
            self.handle(now, Input::Late { lateness_ns: nanos(lateness) });
        }
    }

    /// Takes the interfaces as they are now.
    pub(crate) fn interfaces(&mut self, interfaces: &[Interface], now: Timestamp) {
        self.plan = discovery::plan(&self.settings, interfaces);
        let changes = self.roster.follow(&self.plan, interfaces, now);
        self.follow(changes, now);
        if self.settings.default_gateway {
            for (adapter, gateway) in self.roster.gateways(interfaces) {
                self.handle(now, Input::GatewayFound { adapter, gateway });
            }
        }
        let waiting: BTreeSet<Waiting> = self.plan.waiting.iter().cloned().collect();
        for missing in waiting.difference(&self.said.clone()) {
            let mut event = Event::new(
                EventKind::ConfigWaiting,
                format!("waiting: {}; it is taken up when it appears", missing.reason),
            );
            event.node = Some(self.node.config().node.clone());
            event.network = Some(missing.network.clone()).filter(|name| !name.is_empty());
            event.adapter.clone_from(&missing.interface);
            event.addr = missing.address;
            event.authority = true;
            self.publish(event, now);
        }
        self.said = waiting;
    }

    /// Stops in good order; see [`has_left`](Self::has_left).
    pub(crate) fn leave(&mut self, now: Timestamp) {
        self.handle(now, Input::Leave);
    }

    /// Takes what happened on a subscriber's connection; tells whether a
    /// snapshot had to be taken, which is work.
    pub(crate) fn connection(&mut self, input: ipc::Input, now: Timestamp) -> bool {
        let place = self.place(now);
        self.hub.take(input, place).is_some_and(|wants| self.give(&wants, now))
    }

    /// A snapshot for a scrape, which may be a little old.
    pub(crate) fn scrape(&mut self, now: Timestamp) -> Arc<proto::Snapshot> {
        self.hub.shared(now).unwrap_or_else(|| {
            let (snapshot, place) = (self.snapshot(now), self.place(now));
            self.hub.share(snapshot, place)
        })
    }

    /// Ends what is left; the log's last line is written after this.
    pub(crate) async fn end(self, now: Timestamp) {
        self.nims.leave(now).await;
        self.log.close();
        if let Some(journal) = self.journal {
            journal.close();
        }
    }

    fn is_zero_configuration(&self) -> bool {
        self.settings.networks.is_empty()
    }

    fn place(&self, now: Timestamp) -> Place {
        Place { now, epoch: self.publisher.epoch(), next_seq: self.publisher.next_seq() }
    }

    fn follow(&mut self, changes: Vec<Change>, now: Timestamp) {
        for change in changes {
            match change {
                Change::Added(adapter, spec) => {
                    self.nims.add(adapter, spec.clone(), now);
                    self.handle(now, Input::AdapterAdded { adapter, spec });
                }
                Change::Removed(adapter) => {
                    self.handle(now, Input::AdapterRemoved { adapter });
                    self.nims.remove(adapter, now);
                }
            }
        }
    }

    fn handle(&mut self, now: Timestamp, input: Input) {
        self.node.handle(now, input);
        self.perform(now);
    }

    /// Does what the node wants done, in its order.
    fn perform(&mut self, now: Timestamp) {
        for effect in self.node.drain() {
            match effect {
                Effect::Nim { adapter, command } => self.nims.send(adapter, &command, now),
                Effect::EndNim { adapter, why } => self.nims.end(adapter, why),
                Effect::Publish(event) => self.publish(event, now),
                Effect::Left => self.left = true,
            }
        }
    }

    fn publish(&mut self, event: Event, now: Timestamp) {
        let mut events = vec![event];
        // Telling of a subscriber that lost events is an event itself.
        while let Some(event) = events.pop() {
            let stamped =
                self.publisher.stamp(event, clock::now(), &wall_clock(jiff::Timestamp::now()));
            // What a subscriber has seen is never forgotten: first of all it is
            // written down.
            if let Some(journal) = &mut self.journal {
                journal.write(&stamped);
            }
            self.log.write(&stamped);
            self.view_due = self.view_due.min((self.view_told + VIEW_EVERY).max(now));
            for slow in self.hub.publish(&stamped, now) {
                let text = format!(
                    "subscriber {} (pid {}, uid {}) does not read and loses events",
                    slow.client, slow.pid, slow.uid
                );
                let mut event = Event::new(EventKind::SubscriberLost, text);
                event.node = Some(self.node.config().node.clone());
                event.pid = Some(slow.pid);
                event.authority = true;
                events.push(event);
            }
        }
    }

    fn give(&mut self, wants: &Wants, now: Timestamp) -> bool {
        let place = self.place(now);
        if self.hub.give_shared(wants, place) {
            return false;
        }
        let mut snapshot = self.snapshot(now);
        if wants.besides.params {
            snapshot.params = Some(self.settings.params(&self.node.config().node));
        }
        if wants.besides.config {
            snapshot.config = Some(self.settings.shown());
        }
        self.hub.give(wants, snapshot, place);
        true
    }

    /// Everything it knows, for whoever asks.
    fn snapshot(&mut self, now: Timestamp) -> proto::Snapshot {
        snapshot::build(snapshot::Sources {
            place: self.place(now),
            wall: jiff::Timestamp::now(),
            view: &self.node.view(),
            config: self.node.config(),
            profile: self.settings.profile,
            config_file: self.settings.file.as_deref(),
            plan: &self.plan,
            nims: &self.nims.facts(),
            subscribers: self.hub.subscribers(now),
            started: self.started,
            lateness_max: self.lateness.get(now),
        })
    }
}
