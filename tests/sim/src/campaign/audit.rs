//! What each observer has told, added up: nothing is left standing in the end.

use std::collections::BTreeMap;

use hats_core::event::{Event, EventKind};

use crate::{check::Told, world::World};

/// Adds up what was published, by observer and run.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    seen: usize,
    told: BTreeMap<(String, u64), Told>,
    alerts: Alerts,
}

/// What an alert manager shows that goes by who has the authority: what is said
/// by one that has it is there until one that has it then says what ends it.
#[derive(Debug, Default)]
struct Alerts(BTreeMap<Alert, String>);

/// The kind of fault; node, network and interface; those of a path's other end.
type Alert = (EventKind, [String; 3], [String; 2]);

impl Alerts {
    fn listen(&mut self, observer: &str, event: &Event) {
        if !event.authority {
            return;
        }
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let alert = |kind| {
            let place = [word(&event.node), word(&event.network), word(&event.adapter)];
            (kind, place, [word(&event.peer_node), word(&event.peer_adapter)])
        };
        if let Some(ended) = event.clears {
            let (_, place, peer) = alert(ended);
            // What is said of duplicates names the other holder; of one that
            // cannot be told, who missed it.
            self.0.retain(|(kind, at, to), _| {
                let same = *kind != EventKind::PathFailed || *to == peer;
                !(*kind == ended && *at == place && same)
            });
        }
        if is_followed(event.kind) {
            self.0.insert(alert(event.kind), observer.to_owned());
        }
    }
}

/// Faults that others end than those who say them.
fn is_followed(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::AdapterDown
            | EventKind::AdapterInconclusive
            | EventKind::NodeDown
            | EventKind::DaemonDown
            | EventKind::PathFailed
            | EventKind::NetworkPartitioned
            | EventKind::NetworkFailed
    )
}

impl Audit {
    /// Takes in what is new.
    pub(crate) fn listen(&mut self, world: &World) {
        while let Some(said) = world.events().get(self.seen) {
            self.seen += 1;
            let told = self.told.entry((said.observer.clone(), said.run)).or_default();
            told.take(&said.event);
            self.alerts.listen(&said.observer, &said.event);
        }
    }

    /// The running daemons, with what they told.
    fn running<'a>(&'a self, world: &'a World) -> impl Iterator<Item = (&'a str, &'a Told)> {
        self.told.iter().filter_map(|((name, run), told)| {
            let host = &world.hosts[world.host_named(name)];
            let runs = host.is_awake() && host.daemon.is_some();
            (runs && host.config.incarnation.0 == *run).then_some((name.as_str(), told))
        })
    }

    /// The views are what the events add up to.
    pub(crate) fn compare(&self, world: &World) -> Result<(), String> {
        self.running(world).try_for_each(|(observer, told)| {
            let Some(view) = world.view_without_verdicts(observer) else { return Ok(()) };
            match told.differs(&view, world.strict) {
                None => Ok(()),
                Some(how) => Err(format!("replay differs: {observer}: {how}")),
            }
        })
    }

    /// Everything that was told to be down has been told to be up again.
    pub(crate) fn nothing_left(&self, world: &World) -> Result<(), String> {
        if let Some(((kind, place, peer), observer)) = self.alerts.0.first_key_value() {
            let words: Vec<&str> =
                place.iter().chain(peer).map(String::as_str).filter(|it| !it.is_empty()).collect();
            return Err(format!(
                "an alert never ends: {} {}, said by {observer}",
                kind.name(),
                words.join(" ")
            ));
        }
        self.running(world).try_for_each(|(observer, told)| {
            let left = told.left(world.strict);
            if left.is_empty() {
                return Ok(());
            }
            Err(format!("never told to be well again by {observer}: {}", left.join(", ")))
        })
    }
}
