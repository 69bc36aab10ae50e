//! The longest gap between the heartbeats of each upstream neighbour, second by
//! second.

use std::collections::{BTreeMap, VecDeque};

use hats_client::ipc::Snapshot;

/// Between two looks: as often as NIMs tell.
const EVERY_NS: u64 = 1_000_000_000;

/// Looks that are remembered.
pub(crate) const LOOKS_MAX: usize = 60;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Own adapter's address, then the neighbour's.
type Pair = (String, String);

/// The looks, by pair.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    looks: BTreeMap<Pair, VecDeque<u64>>,
    /// When it was looked last.
    last_ns: Option<u64>,
}

impl Gaps {
    pub(crate) fn note(&mut self, snapshot: &Snapshot) {
        let is_early = |last: u64| snapshot.mono_ns.abs_diff(last) < EVERY_NS;
        if self.last_ns.is_some_and(is_early) {
            return;
        }
        self.last_ns = Some(snapshot.mono_ns);
        let mut watched = BTreeMap::new();
        for adapter in snapshot.adapters.iter().filter(|adapter| adapter.self_) {
            for upstream in &adapter.watches {
                let pair = (adapter.addr.clone(), upstream.addr.clone());
                // Before the first heartbeat there is no gap to show.
                if upstream.state != "waiting" {
                    // An older daemon tells only how long ago the last one came.
                    let ms = upstream.gap_max_us.map_or(upstream.last_heard_ms, |us| us / 1_000);
                    watched.insert(pair, ms);
                }
            }
        }
        // Who is not watched any more is forgotten.
        self.looks.retain(|pair, _| watched.contains_key(pair));
        for (pair, ms) in watched {
            let looks = self.looks.entry(pair).or_default();
            looks.push_back(ms);
            if looks.len() > LOOKS_MAX {
                looks.pop_front();
            }
        }
    }

    /// The last `most` looks as bars, the newest at the right; a full one is
    /// `full_ms` or more.
    pub(crate) fn bars(&self, own: &str, upstream: &str, full_ms: u64, most: usize) -> String {
        let Some(looks) = self.of(own, upstream) else { return String::new() };
        let from = looks.len().saturating_sub(most);
        let levels = BARS.len() as u64;
        let bar = |ms: &u64| {
            let level = ms.saturating_mul(levels) / full_ms.max(1);
            BARS[usize::try_from(level.min(levels - 1)).unwrap_or(0)]
        };
        looks.iter().skip(from).map(bar).collect()
    }

    /// The longest silence that was seen.
    pub(crate) fn worst_ms(&self, own: &str, upstream: &str) -> u64 {
        self.of(own, upstream).and_then(|looks| looks.iter().max().copied()).unwrap_or(0)
    }

    fn of(&self, own: &str, upstream: &str) -> Option<&VecDeque<u64>> {
        self.looks.get(&(own.to_owned(), upstream.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use hats_client::ipc::{Adapter, Neighbour};

    use super::*;

    fn look(at: u64, silent_ms: u64) -> Snapshot {
        let watches = vec![Neighbour {
            addr: "b".into(),
            state: "fresh".into(),
            gap_max_us: Some(silent_ms * 1_000),
            ..Neighbour::default()
        }];
        let own = Adapter { addr: "a".into(), self_: true, watches, ..Adapter::default() };
        Snapshot { mono_ns: at * EVERY_NS, adapters: vec![own], ..Snapshot::default() }
    }

    #[test]
    fn a_full_bar_is_the_detection_time() {
        let mut gaps = Gaps::default();
        for (at, ms) in [(1, 0), (2, 500), (3, 999), (4, 1_000), (5, 9_000)] {
            gaps.note(&look(at, ms));
        }
        assert_eq!(gaps.bars("a", "b", 1_000, 60), "▁▅███");
        assert_eq!(gaps.bars("a", "b", 1_000, 2), "██");
        assert_eq!(gaps.worst_ms("a", "b"), 9_000);
        assert_eq!(gaps.bars("a", "c", 1_000, 60), "");
    }

    #[test]
    fn a_second_counts_once_and_the_memory_is_bounded() {
        let mut gaps = Gaps::default();
        for at in 1..=200 {
            gaps.note(&look(at, 1));
            gaps.note(&look(at, 1));
        }
        assert_eq!(gaps.bars("a", "b", 1_000, 500).chars().count(), LOOKS_MAX);
    }

    #[test]
    fn who_is_not_watched_any_more_is_forgotten() {
        let mut gaps = Gaps::default();
        gaps.note(&look(1, 5));
        gaps.note(&Snapshot { mono_ns: 2 * EVERY_NS, ..Snapshot::default() });
        assert_eq!(gaps.worst_ms("a", "b"), 0);
    }

    #[test]
    fn an_older_daemon_tells_how_long_ago_the_last_one_came() {
        let mut gaps = Gaps::default();
        let mut snapshot = look(1, 0);
        let upstream = &mut snapshot.adapters[0].watches[0];
        (upstream.gap_max_us, upstream.last_heard_ms) = (None, 7);
        gaps.note(&snapshot);
        assert_eq!(gaps.worst_ms("a", "b"), 7);
    }
}
