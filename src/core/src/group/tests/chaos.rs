//! Losses, dooms, restarts and partings by chance: what must never happen,
//! and that they agree again once it is quiet.

use super::*;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn name(&mut self) -> u8 {
        u8::try_from(self.below(5)).expect("below 5") + 1
    }
}

fn disturb(wire: &mut Wire, chance: &mut Chance, runs: &mut [u64; 6]) {
    let (one, other) = (chance.name(), chance.name());
    match chance.below(6) {
        0 => wire.doom(&[one], &[other], Cause::Both),
        1 => {
            let all: Vec<u8> = (1..=5).filter(|name| *name != one).collect();
            wire.doom(&all, &[one], Cause::NodeDown);
        }
        2 => wire.at(one, |group, now| group.isolate(now)),
        3 => {
            let run = &mut runs[usize::from(one)];
            *run += 1;
            wire.start(one, *run);
        }
        4 => {
            let pair = Pair::new(address(one), address(other));
            if one != other {
                wire.at(one, |group, now| group.set_path(now, pair, true));
            }
        }
        _ => {
            let (group, from) = (wire.view(other).map(|view| view.id), address(other));
            if let Some(group) = group {
                wire.at(one, |machine, now| machine.on_stranger(now, from, group));
            }
        }
    }
}

/// What heartbeats do: strangers are noticed, and members that have another
/// incarnation or group than is known here.
fn beat(wire: &mut Wire) {
    for from in 1..=5 {
        let Some(view) = wire.view(from) else { continue };
        let (id, incarnation) = (view.id, wire.groups[&from].me.incarnation);
        for to in (1..=5).filter(|to| *to != from) {
            let stale = wire.view(to).and_then(|view| view.members.get(address(from)));
            if stale.is_some_and(|member| member.incarnation < incarnation) {
                wire.doom(&[to], &[from], Cause::DaemonDown);
            }
            wire.at(to, |group, now| group.on_stranger(now, address(from), id));
        }
    }
}

/// A wire that loses, delays and doubles, none of it, or much of it.
fn carry(seed: u64) -> Carry {
    let mut chance = Chance(seed ^ 0xdead);
    let percent = [0, 10, 30][usize::try_from(seed % 3).expect("small")];
    let unruly = seed % 2 == 1;
    Box::new(move |_, _, _| {
        let mut copies = vec![];
        for _ in 0..=u64::from(unruly && chance.below(10) == 0) {
            let late = if unruly { Duration::from_millis(chance.below(300)) } else { LATENCY };
            copies.push(LATENCY + late);
        }
        copies.retain(|_| chance.below(100) >= percent);
        copies
    })
}

#[test]
fn groups_agree_again_after_any_disorder_and_instances_only_grow() {
    for seed in 0..120 {
        let mut chance = Chance(seed);
        let mut runs = [1; 6];
        let mut wire = Wire::of(1..=5);
        wire.carry = carry(seed);
        for _ in 0..40 {
            disturb(&mut wire, &mut chance, &mut runs);
            let pause = Duration::from_millis(chance.below(700));
            wire.run(pause);
        }
        wire.heal();
        for _ in 0..200 {
            beat(&mut wire);
            wire.run(Duration::from_millis(250));
        }
        wire.agreed(&[1, 2, 3, 4, 5]);
        instances_grow(&wire, seed);
        one_instance_is_one_membership(&wire, seed);
    }
}

fn instances_grow(wire: &Wire, seed: u64) {
    let mut last: BTreeMap<(u8, Incarnation), u64> = BTreeMap::new();
    for change in &wire.changes {
        let before = last.insert((change.at, change.run), change.id.instance);
        assert!(before < Some(change.id.instance), "seed {seed}: {change:?} after {before:?}");
    }
}

fn one_instance_is_one_membership(wire: &Wire, seed: u64) {
    let mut known: BTreeMap<GroupId, Vec<u8>> = BTreeMap::new();
    for change in &wire.changes {
        let members = known.entry(change.id).or_insert_with(|| change.members.clone());
        assert_eq!(*members, change.members, "seed {seed}: {change:?}");
    }
}
