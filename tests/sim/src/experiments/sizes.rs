//! How large the views were that nodes had, and how often they changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::Series;
use crate::{host::Port, record::Adoption};

/// Every size anybody had.
pub(super) fn distinct(adoptions: &[Adoption]) -> BTreeSet<usize> {
    adoptions.iter().map(|adoption| adoption.members.len()).collect()
}

/// The most different sizes that one adapter had.
pub(super) fn most_at_one(adoptions: &[Adoption]) -> usize {
    let mut sizes: BTreeMap<Port, BTreeSet<usize>> = BTreeMap::new();
    for adoption in adoptions {
        sizes.entry(adoption.port).or_default().insert(adoption.members.len());
    }
    sizes.values().map(BTreeSet::len).max().unwrap_or(0)
}

/// How often each adapter changed its view.
pub(super) fn changes<'a>(
    adoptions: impl IntoIterator<Item = &'a Adoption>,
) -> BTreeMap<Port, usize> {
    let mut changes = BTreeMap::new();
    for adoption in adoptions {
        *changes.entry(adoption.port).or_insert(0) += 1;
    }
    changes
}

/// Every size that anybody had at a whole second after `begin`: what a process
/// reports that logs its view once a second.
pub(super) fn each_second(adoptions: &[Adoption], begin: Duration) -> BTreeSet<usize> {
    let mut had: BTreeMap<Port, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut next = begin;
    for adoption in adoptions {
        while adoption.at > next {
            seen.extend(had.values().copied());
            next += Duration::from_secs(1);
        }
        had.insert(adoption.port, adoption.members.len());
    }
    seen.extend(had.values().copied());
    seen
}

/// The sizes of the smallest and the largest view over time, from `begin` to
/// `end`, at the adapters that count; one line if they are never different.
/// `adoptions` are all that ever were.
pub(super) fn over_time(
    adoptions: &[Adoption],
    (begin, end): (Duration, Duration),
    counts: impl Fn(Port) -> bool,
) -> Vec<Series> {
    let mut had: BTreeMap<Port, usize> = BTreeMap::new();
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    let mut points: Vec<(Duration, usize, usize)> = Vec::new();
    for adoption in adoptions.iter().filter(|it| it.at <= end && counts(it.port)) {
        let size = adoption.members.len();
        if let Some(before) = had.insert(adoption.port, size)
            && let Some(holders) = sizes.get_mut(&before)
        {
            *holders -= 1;
            if *holders == 0 {
                sizes.remove(&before);
            }
        }
        *sizes.entry(size).or_default() += 1;
        let (Some((&low, _)), Some((&high, _))) = (sizes.first_key_value(), sizes.last_key_value())
        else {
            continue;
        };
        let at = adoption.at.max(begin);
        match points.last_mut() {
            Some(last) if last.0 == at => *last = (at, low, high),
            Some(last) if (last.1, last.2) == (low, high) => {}
            Some(_) | None => points.push((at, low, high)),
        }
    }
    if let Some(&(_, low, high)) = points.last() {
        points.push((end, low, high));
    }
    let seconds = |at: Duration| at.saturating_sub(begin).as_secs_f64();
    let low: Vec<(f64, f64)> =
        points.iter().map(|(at, low, _)| (seconds(*at), *low as f64)).collect();
    let high = points.iter().map(|(at, _, high)| (seconds(*at), *high as f64)).collect();
    if low == high {
        return vec![Series::steps("every view", high)];
    }
    vec![Series::steps("largest view", high), Series::steps("smallest view", low)]
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use hats_wire::GroupId;

    use super::*;

    /// At so many milliseconds, the host adopts a view of that size.
    fn adoption((at, host, size): (u64, usize, u8)) -> Adoption {
        let members: Vec<IpAddr> = (0..size).map(|i| IpAddr::from([10, 0, 0, i])).collect();
        let leader = IpAddr::from([10, 0, 0, size]);
        Adoption {
            at: Duration::from_millis(at),
            port: Port { host, adapter: 0 },
            run: 1,
            group: GroupId { instance: at, leader },
            members: members.into(),
        }
    }

    fn adoptions(all: &[(u64, usize, u8)]) -> Vec<Adoption> {
        all.iter().copied().map(adoption).collect()
    }

    #[test]
    fn a_size_that_nobody_has_at_a_whole_second_is_not_logged() {
        let all = adoptions(&[(100, 0, 1), (200, 1, 1), (1500, 0, 2), (1600, 0, 3), (2500, 1, 3)]);
        assert_eq!(distinct(&all), BTreeSet::from([1, 2, 3]));
        assert_eq!(each_second(&all, Duration::ZERO), BTreeSet::from([1, 3]));
        assert_eq!(most_at_one(&all), 3);
        let port = |host| Port { host, adapter: 0 };
        assert_eq!(changes(&all), BTreeMap::from([(port(0), 3), (port(1), 2)]));
    }

    #[test]
    fn views_that_differ_are_two_lines_and_views_that_agree_are_one() {
        let second = Duration::from_secs(1);
        let all = adoptions(&[(0, 0, 3), (0, 1, 3), (1500, 0, 2), (1700, 1, 2)]);
        let both = over_time(&all, (second, second * 3), |_| true);
        let points = |series: &Series| series.points.clone();
        assert_eq!(points(&both[0]), [(0.0, 3.0), (0.5, 3.0), (0.7, 2.0), (2.0, 2.0)]);
        assert_eq!(points(&both[1]), [(0.0, 3.0), (0.5, 2.0), (0.7, 2.0), (2.0, 2.0)]);
        let one = over_time(&all, (second, second * 3), |port| port.host == 0);
        assert_eq!(one.len(), 1);
        assert_eq!(points(&one[0]), [(0.0, 3.0), (0.5, 2.0), (2.0, 2.0)]);
    }
}
