//! The order of rows: stable, and the one people expect.

use std::{cmp::Ordering, net::IpAddr};

use hats_client::ipc::Snapshot;

/// Brings every list of `snapshot` into the order in which it is shown.
pub(crate) fn sort(snapshot: &mut Snapshot) {
    snapshot.networks.sort_by(|a, b| natural(&a.name, &b.name));
    snapshot
        .nodes
        .sort_by(|a, b| natural(&a.name, &b.name).then_with(|| natural(&a.node_id, &b.node_id)));
    snapshot.adapters.sort_by(|a, b| {
        natural(&a.network, &b.network)
            .then_with(|| address(&a.addr, &b.addr))
            .then_with(|| natural(&a.node, &b.node))
            .then_with(|| natural(&a.adapter, &b.adapter))
    });
    snapshot.paths.sort_by(|a, b| {
        natural(&a.network, &b.network)
            .then_with(|| address(&a.addr, &b.addr))
            .then_with(|| address(&a.peer_addr, &b.peer_addr))
    });
    snapshot.verdicts.sort_by(|a, b| a.ts.cmp(&b.ts).then_with(|| natural(&a.id, &b.id)));
    for verdict in &mut snapshot.verdicts {
        // Of one prober, the probes stay in the order in which they were made.
        verdict.evidence.sort_by(|a, b| {
            natural(&a.prober, &b.prober).then_with(|| natural(&a.target, &b.target))
        });
    }
    snapshot.nims.sort_by(|a, b| {
        natural(&a.network, &b.network)
            .then_with(|| natural(&a.adapter, &b.adapter))
            .then_with(|| address(&a.addr, &b.addr))
    });
    snapshot.subscribers.sort_by(|a, b| natural(&a.client, &b.client).then(a.pid.cmp(&b.pid)));
}

/// n2 before n10.
pub(crate) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let (left_part, left_rest) = split(left);
        let (right_part, right_rest) = split(right);
        let order = match (number(left_part), number(right_part)) {
            (Some(x), Some(y)) => x.len().cmp(&y.len()).then_with(|| x.cmp(y)),
            _ => left_part.cmp(right_part),
        };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    // One is a prefix of the other, but for leading zeros.
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The digits, or what is not digits, at the start of `text`, and the rest.
fn split(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

/// Digits without leading zeros: of these the longer one is the higher number.
fn number(part: &str) -> Option<&str> {
    part.starts_with(|c: char| c.is_ascii_digit()).then(|| part.trim_start_matches('0'))
}

/// 10.0.0.9 before 10.0.0.10, IPv4 before IPv6, what is no address last.
pub(crate) fn address(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(x), Some(y)) => x.cmp(&y).then_with(|| natural(a, b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => natural(a, b),
    }
}

/// The address without the scope that follows a link-local one.
fn parse(text: &str) -> Option<IpAddr> {
    text.split('%').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_the_numbers_in_them() {
        let mut names = ["n10", "n2", "n1", "rack2-n1", "rack10-n1", "n02", "", "n", "n2a", "N1"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            ["", "N1", "n", "n1", "n02", "n2", "n2a", "n10", "rack2-n1", "rack10-n1"]
        );
    }

    #[test]
    fn numbers_too_long_for_any_integer_still_sort() {
        let (short, long) = ("n99999999999999999999999", "n100000000000000000000000");
        assert_eq!(natural(short, long), Ordering::Less);
    }

    #[test]
    fn addresses_sort_numerically_and_ipv4_first() {
        let mut addresses = ["fd00::10", "10.0.0.10", "fe80::9%eth0", "10.0.0.9", "?", "9.0.0.0"];
        addresses.sort_by(|a, b| address(a, b));
        assert_eq!(
            addresses,
            ["9.0.0.0", "10.0.0.9", "10.0.0.10", "fd00::10", "fe80::9%eth0", "?"]
        );
    }
}
