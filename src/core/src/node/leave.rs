//! Stopping in good order: said, acknowledged, and not a failure.

use alloc::{collections::BTreeSet, format};
use core::time::Duration;

use hats_wire::Message;

use super::Node;
use crate::{
    event::{Event, EventKind},
    io::{AdapterIndex, Effect},
    time::Timestamp,
};

/// A leave that nobody acknowledges ends after this.
const PATIENCE: Duration = Duration::from_millis(500);

/// Until then it is said again so often.
const AGAIN: Duration = Duration::from_millis(60);

/// A stop under way.
#[derive(Debug)]
pub(super) struct Leaving {
    until: Timestamp,
    again_at: Timestamp,
    waiting: BTreeSet<AdapterIndex>,
    done: bool,
}

impl Leaving {
    /// How many adapters have yet to say that they leave.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        (!self.done).then(|| self.until.min(self.again_at))
    }
}

impl Node {
    pub(super) fn leave(&mut self, now: Timestamp) {
        if self.leaving.is_some() {
            return;
        }
        let mut event = Event::new(
            EventKind::DaemonStopping,
            format!("hatsd of {} stops on purpose", self.config.node),
        );
        event.node = Some(self.config.node.clone());
        event.authority = true;
        self.publish(event);
        let waiting = self
            .locals
            .iter()
            .filter(|(_, local)| local.group.view().is_some_and(|view| view.members.len() > 1))
            .map(|(index, _)| *index)
            .collect();
        let (until, again_at) = (now + PATIENCE, now + AGAIN);
        self.leaving = Some(Leaving { until, again_at, waiting, done: false });
        self.report_self(now);
        for local in self.locals.values_mut() {
            local.group.retire();
        }
        self.say_leave();
        self.wake_leaving(now);
    }

    /// To all groups whose acknowledgement is missing.
    fn say_leave(&mut self) {
        let waiting = self.leaving.as_ref().map(|leaving| leaving.waiting.clone());
        for index in waiting.into_iter().flatten() {
            let group = self.locals.get(&index).and_then(|local| local.group.view());
            if let Some(group) = group.map(|view| view.id) {
                self.send(index, None, &Message::Leave { group });
            }
        }
    }

    pub(super) fn leave_acknowledged(&mut self, index: AdapterIndex) {
        if let Some(leaving) = &mut self.leaving {
            leaving.waiting.remove(&index);
            if leaving.waiting.is_empty() && !leaving.done {
                leaving.done = true;
                self.effects.push(Effect::Left);
            }
        }
    }

    pub(super) fn wake_leaving(&mut self, now: Timestamp) {
        if let Some(leaving) = &mut self.leaving
            && !leaving.done
            && (leaving.waiting.is_empty() || now >= leaving.until)
        {
            leaving.done = true;
            self.effects.push(Effect::Left);
            return;
        }
        if let Some(leaving) = &mut self.leaving
            && !leaving.done
            && now >= leaving.again_at
        {
            leaving.again_at = now + AGAIN;
            self.say_leave();
        }
    }
}
