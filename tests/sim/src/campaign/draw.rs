//! The generator: what a seed stands for.

use std::time::Duration;

use hats_core::config::Profile;

use super::{
    fault::{AdapterFault, Fault, NodeFault},
    story::{Episode, Member, Pace, Step, Story},
    weather::{Ways, Weather},
};
use crate::{chance::Chance, faults::Way};

/// Kinds of faults with their weights.
const KINDS: [(Kind, u64); 32] = [
    (Kind::Cut, 4),
    (Kind::Deaf, 2),
    (Kind::Mute, 2),
    (Kind::Carrier, 2),
    (Kind::Address, 2),
    (Kind::NimKill, 2),
    (Kind::NimHang, 2),
    (Kind::Path, 4),
    (Kind::Crash, 4),
    (Kind::DaemonKill, 2),
    (Kind::DaemonRestart, 2),
    (Kind::Leave, 2),
    (Kind::ShortPause, 2),
    (Kind::LongPause, 2),
    (Kind::Partition, 2),
    (Kind::NetworkDead, 2),
    (Kind::SwitchOff, 1),
    (Kind::Loss, 3),
    (Kind::Delay, 2),
    (Kind::Duplication, 1),
    (Kind::Reordering, 1),
    (Kind::Mtu, 1),
    (Kind::DaemonStarve, 1),
    (Kind::Starve, 2),
    (Kind::ClockRate, 1),
    (Kind::WallClock, 1),
    (Kind::DaemonHang, 2),
    (Kind::Flap, 1),
    (Kind::AddressChange, 2),
    (Kind::HeavyLoss, 2),
    (Kind::MulticastDead, 2),
    (Kind::LongStarve, 2),
];

/// Kinds that the protocol does not hold yet: drawn only when that is asked for.
const NOT_YET_HELD: [(Kind, u64); 1] = [
    // Two sides of three are taken for one at first; not always is that made good.
    (Kind::PartitionInMore, 2),
];

/// A kind of faults, as the generator knows them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kinds(Kind);

impl Kinds {
    /// The kind of that name: `daemon-hang`, `heavy-loss`.
    pub fn parse(name: &str) -> Result<Kinds, String> {
        let kinds = || KINDS.iter().chain(&NOT_YET_HELD).map(|(kind, _)| *kind);
        kinds().find(|kind| kind.name() == name).map(Kinds).ok_or_else(|| {
            let names: Vec<String> = kinds().map(Kind::name).collect();
            format!("expected one of {}", names.join(", "))
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Cut,
    Deaf,
    Mute,
    Carrier,
    Address,
    AddressChange,
    Flap,
    NimKill,
    NimHang,
    Path,
    Crash,
    DaemonKill,
    DaemonRestart,
    DaemonHang,
    Leave,
    ShortPause,
    LongPause,
    Partition,
    PartitionInMore,
    NetworkDead,
    SwitchOff,
    MulticastDead,
    Loss,
    HeavyLoss,
    Delay,
    Duplication,
    Reordering,
    Mtu,
    DaemonStarve,
    Starve,
    LongStarve,
    ClockRate,
    WallClock,
}

impl Kind {
    /// As it is written: its words with dashes.
    fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.extend(letter.to_lowercase());
        }
        name
    }
}

impl Story {
    /// The story of `seed`, with faults that the protocol holds.
    pub fn of(seed: u64) -> Story {
        let chance = Chance::new(seed ^ 0x5107_0f5e_ed00_0002);
        Draw { chance, all: false, often: None }.story(seed)
    }

    /// The story of `seed`, with faults of every kind.
    pub fn of_all_kinds(seed: u64) -> Story {
        let chance = Chance::new(seed ^ 0x5107_0f5e_ed00_0003);
        Draw { chance, all: true, often: None }.story(seed)
    }

    /// The story of `seed`, every other fault of one kind and the rest of those
    /// that the protocol holds.
    pub fn with(seed: u64, Kinds(kind): Kinds) -> Story {
        let chance = Chance::new(seed ^ 0x5107_0f5e_ed00_0004);
        Draw { chance, all: false, often: Some(kind) }.story(seed)
    }
}

/// A story on its way from chance to paper.
struct Draw {
    chance: Chance,
    all: bool,
    /// Every other fault is of this kind.
    often: Option<Kind>,
}

/// Whom a fault befalls.
struct Victim {
    node: String,
    network: String,
    /// The other nodes on that network.
    others: Vec<String>,
}

impl Draw {
    fn story(&mut self, seed: u64) -> Story {
        // The faster the profile, the more happens in a story.
        let (default, fast) = (Profile::Default, Profile::Fast);
        let profiles = [default, default, fast, fast, Profile::Bfd];
        let profile = if self.chance.happens(0.05) { Profile::Wan } else { self.pick(&profiles) };
        let (low, high) = match self.chance.between(0, 99) {
            0..=69 => (3, 8),
            70..=94 => (2, 12),
            _ => (13, 40),
        };
        let count = self.chance.between(low, high) as usize;
        let networks = self.pick(&[1, 2, 2, 2, 3]);
        let networks: Vec<String> =
            ["neta", "netb", "netc"][..networks].iter().map(|name| (*name).to_owned()).collect();
        let nodes = self.nodes(count, &networks);
        let loss =
            if self.chance.happens(0.2) { self.chance.between(1, 10) as f64 / 100.0 } else { 0.0 };
        let (ipv6, detection) = (self.chance.happens(0.2), profile.detection());
        let episodes = Vec::new();
        let (hosts, references, required) = (Vec::new(), false, Vec::new());
        let mut story = Story {
            seed,
            detection,
            networks,
            nodes,
            hosts,
            references,
            required,
            ipv6,
            loss,
            episodes,
        };
        for number in 0..self.chance.between(1, 2) {
            let episode = self.episode(&story, number == 0);
            story.episodes.push(episode);
        }
        story
    }

    fn nodes(&mut self, count: usize, networks: &[String]) -> Vec<Member> {
        let chance = &mut self.chance;
        let everywhere = networks.len() == 1 || chance.happens(0.6);
        let mut order: Vec<Vec<u8>> = Vec::new();
        for _ in networks {
            let mut last: Vec<u8> = (1..=count as u8).collect();
            for at in (1..last.len()).rev() {
                last.swap(at, chance.between(0, at as u64) as usize);
            }
            order.push(last);
        }
        let same = chance.happens(0.3);
        (0..count)
            .map(|at| {
                // The first is on all networks, so that they are one cluster.
                let mut adapters: Vec<(String, u8)> = Vec::new();
                let sole = chance.between(0, networks.len() as u64 - 1) as usize;
                for (number, network) in networks.iter().enumerate() {
                    let member = everywhere || at == 0 || number == sole || chance.happens(0.6);
                    let last = if same { at as u8 + 1 } else { order[number][at] };
                    if member {
                        adapters.push((network.clone(), last));
                    }
                }
                Member { name: format!("n{}", at + 1), adapters }
            })
            .collect()
    }

    fn episode(&mut self, story: &Story, first: bool) -> Episode {
        let pace = match self.chance.between(0, 9) {
            0..=4 => Pace::OneByOne,
            5 if first => Pace::Forming,
            _ => Pace::Overlapping,
        };
        let detection = story.detection();
        let spread = match pace {
            Pace::OneByOne => detection.heartbeat_interval,
            Pace::Overlapping => {
                self.pick(&[1, 2, 6]) * detection.detection_time() + Duration::from_millis(10)
            }
            Pace::Forming => Duration::from_millis(400) + detection.heartbeat_interval * 8,
        };
        let wanted = self.chance.between(1, 4);
        let mut steps: Vec<Step> = Vec::new();
        while (steps.len() as u64) < wanted {
            let fault = self.fault(story);
            let after = self.within(spread);
            let lasts = fault.own_end().or_else(|| {
                let ends = self.chance.happens(0.2);
                ends.then(|| self.within(detection.detection_time() * 4))
            });
            let hides = pace == Pace::Forming && fault.hides_somebody(story);
            if !hides && !steps.iter().any(|step| step.fault.collides(&fault)) {
                steps.push(Step { fault, after, lasts, expect: None });
            } else if self.chance.happens(0.3) {
                break;
            }
        }
        if pace != Pace::OneByOne {
            steps.sort_by_key(|step| step.after);
        }
        Episode { pace, steps, expect: None, groups: Vec::new() }
    }

    fn kind(&mut self) -> Kind {
        if let Some(kind) = self.often
            && self.chance.happens(0.5)
        {
            return kind;
        }
        let more: &[(Kind, u64)] = if self.all { &NOT_YET_HELD } else { &[] };
        let kinds = || KINDS.iter().chain(more);
        let mut at = self.chance.between(1, kinds().map(|(_, weight)| weight).sum());
        for (kind, weight) in kinds() {
            if at <= *weight {
                return *kind;
            }
            at -= weight;
        }
        Kind::Cut
    }

    fn fault(&mut self, story: &Story) -> Fault {
        let member = self.pick_ref(&story.nodes).clone();
        let (network, _) = self.pick_ref(&member.adapters).clone();
        let others = story.on(&network).into_iter().filter(|other| *other != member.name);
        let others = others.map(str::to_owned).collect();
        let victim = Victim { node: member.name, network, others };
        let kind = self.kind();
        self.of_adapter(kind, story, &victim)
            .or_else(|| self.of_node(kind, story, &victim))
            .or_else(|| self.of_network(kind, story, &victim))
            .unwrap_or(Fault::Adapter(AdapterFault::Cut, victim.node, victim.network))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    fn of_adapter(&mut self, kind: Kind, story: &Story, victim: &Victim) -> Option<Fault> {
        let detection = story.detection();
        let what = match kind {
            Kind::Cut => AdapterFault::Cut,
            Kind::Deaf => AdapterFault::Deaf,
            Kind::Mute => AdapterFault::Mute,
            Kind::Carrier => AdapterFault::Carrier,
            Kind::Address => AdapterFault::Address,
            Kind::AddressChange => AdapterFault::AddressChange,
            Kind::NimKill => AdapterFault::NimKill,
            Kind::NimHang => AdapterFault::NimHang,
            Kind::Flap => {
                let span = detection.detection_time();
                let (down, up) = (self.within(span), self.within(span));
                AdapterFault::Flap(self.chance.between(2, 5) as u8, down, up)
            }
            Kind::Starve if self.chance.happens(0.3) => {
                AdapterFault::NimStarve(self.within(detection.probe_timeout / 4))
            }
            _ => return None,
        };
        Some(Fault::Adapter(what, victim.node.clone(), victim.network.clone()))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    fn of_node(&mut self, kind: Kind, story: &Story, victim: &Victim) -> Option<Fault> {
        let detection = story.detection();
        let (interval, detected) = (detection.heartbeat_interval, detection.detection_time());
        let little = detection.probe_timeout / 4;
        let what = match kind {
            Kind::Crash => NodeFault::Crash,
            Kind::DaemonKill => NodeFault::DaemonKill,
            Kind::DaemonRestart => NodeFault::DaemonRestart(self.within(detected)),
            Kind::DaemonHang => NodeFault::DaemonHang,
            Kind::Leave => NodeFault::Leave,
            Kind::ShortPause => {
                let span = interval / 2 + self.within(detected - interval * 2);
                self.suspended(span)
            }
            Kind::LongPause => {
                let span = detected * 2 + self.within(detected * 3);
                self.suspended(span)
            }
            Kind::DaemonStarve => NodeFault::DaemonStarve(self.within(little)),
            Kind::Starve => NodeFault::Starve(self.within(little)),
            Kind::LongStarve => NodeFault::Starve(little + self.within(detected - interval * 2)),
            // What is sold as a clock, and what is broken.
            Kind::ClockRate => {
                let most = self.pick(&[200, 200, 20_000]);
                NodeFault::ClockRate(self.chance.between(0, 2 * most) as i32 - most as i32)
            }
            Kind::WallClock => {
                NodeFault::WallClock(self.chance.between(0, 7_200_000) as i64 - 3_600_000)
            }
            _ => return None,
        };
        Some(Fault::Node(what, victim.node.clone()))
    }

    fn suspended(&mut self, span: Duration) -> NodeFault {
        match self.chance.between(0, 3) {
            0 => NodeFault::PauseQueueing(span),
            1 => NodeFault::Sleep(span),
            _ => NodeFault::Pause(span),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    fn of_network(&mut self, kind: Kind, story: &Story, victim: &Victim) -> Option<Fault> {
        let network = victim.network.clone();
        let short = story.detection().probe_timeout / 4;
        match kind {
            Kind::NetworkDead => Some(Fault::NetworkDead(network)),
            Kind::SwitchOff => Some(Fault::SwitchOff(network)),
            Kind::MulticastDead => Some(Fault::MulticastDead(network)),
            Kind::Path if !victim.others.is_empty() => {
                let (b, way) = (self.pick_ref(&victim.others).clone(), self.way());
                Some(Fault::Path { a: victim.node.clone(), b, network, way })
            }
            Kind::Partition if !victim.others.is_empty() => Some(self.partition(victim, 2)),
            Kind::PartitionInMore if victim.others.len() > 2 => Some(self.partition(victim, 3)),
            Kind::Loss => {
                let loss = Weather::Loss(self.chance.between(1, 10) as u8);
                Some(Fault::Weather(loss, self.ways(story, victim)))
            }
            Kind::HeavyLoss => {
                let loss = Weather::Loss(self.chance.between(11, 40) as u8);
                Some(Fault::Weather(loss, self.ways(story, victim)))
            }
            Kind::Delay => {
                let (one, other) = (self.within(short), self.within(short));
                let delay = Weather::Delay(one.min(other), one.max(other));
                let nothing = one.max(other).is_zero();
                (!nothing).then(|| Fault::Weather(delay, self.ways(story, victim)))
            }
            Kind::Duplication => {
                let twice = Weather::Duplication(self.chance.between(1, 50) as u8);
                Some(Fault::Weather(twice, self.ways(story, victim)))
            }
            Kind::Reordering => {
                let (part, most) = (self.chance.between(1, 50) as u8, self.within(short));
                Some(Fault::Weather(Weather::Reordering(part, most), self.ways(story, victim)))
            }
            Kind::Mtu => {
                let mtu = Weather::Mtu(self.chance.between(576, 1_499) as u16);
                Some(Fault::Weather(mtu, self.ways(story, victim)))
            }
            _ => None,
        }
    }

    fn way(&mut self) -> Way {
        if self.chance.happens(0.5) { Way::Both } else { Way::There }
    }

    fn ways(&mut self, story: &Story, victim: &Victim) -> Ways {
        let (node, network) = (victim.node.clone(), victim.network.clone());
        match self.chance.between(0, 3) {
            // It would end with the weather.
            0 if story.loss == 0.0 => Ways::Network(network),
            1 => Ways::From(node, network),
            2 if !victim.others.is_empty() => {
                let other = self.pick_ref(&victim.others).clone();
                Ways::Path(node, other, network, self.way())
            }
            _ => Ways::To(node, network),
        }
    }

    fn partition(&mut self, victim: &Victim, count: usize) -> Fault {
        let mut sides = vec![Vec::new(); count];
        sides[0].push(victim.node.clone());
        for other in &victim.others {
            let side = self.chance.between(0, count as u64 - 1) as usize;
            sides[side].push(other.clone());
        }
        // Every side has somebody: there are more nodes than sides.
        while let Some(empty) = sides.iter().position(Vec::is_empty) {
            let largest = (0..count).max_by_key(|at| sides[*at].len()).unwrap_or(0);
            let moved = sides[largest].pop();
            sides[empty].extend(moved);
        }
        Fault::Partition { network: victim.network.clone(), sides }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *self.pick_ref(from)
    }

    fn pick_ref<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.chance.between(0, from.len() as u64 - 1) as usize]
    }

    fn within(&mut self, span: Duration) -> Duration {
        Duration::from_micros(self.chance.between(0, span.as_micros() as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::campaign::Scenario;

    fn kinds(story: impl Fn(u64) -> Story) -> BTreeSet<&'static str> {
        let stories = (0..400).map(story);
        let steps = stories.flat_map(|it| it.episodes).flat_map(|episode| episode.steps);
        steps.map(|step| step.fault.kind()).collect()
    }

    #[test]
    fn kinds_that_are_not_held_yet_are_drawn_only_when_asked_for() {
        let (held, all) = (kinds(Story::of), kinds(Story::of_all_kinds));
        let more: Vec<&str> = all.difference(&held).copied().collect();
        assert_eq!(more, ["partition-in-more"]);
        for kind in ["loss", "delay", "duplication", "reordering", "mtu", "starve", "nim-starve"] {
            assert!(held.contains(kind), "{kind} is never drawn");
        }
    }

    #[test]
    fn stories_with_one_kind_have_it_often_and_others_too() {
        let kind = Kinds::parse("daemon-hang").unwrap();
        let faults = (0..200).flat_map(|seed| Story::with(seed, kind).episodes);
        let faults = faults.flat_map(|episode| episode.steps).map(|step| step.fault.kind());
        let (of_it, others): (Vec<_>, Vec<_>) = faults.partition(|it| *it == "daemon-hang");
        assert!(of_it.len() * 4 > others.len() && others.len() > of_it.len() / 2);
        assert!(Kinds::parse("daemon-hangs").is_err_and(|why| why.contains("heavy-loss")));
    }

    #[test]
    fn stories_of_every_kind_are_read_as_they_were_written() {
        for seed in 0..200 {
            let (name, why) = (format!("seed {seed}"), None);
            let scenario = Scenario { name, why, story: Story::of_all_kinds(seed) };
            assert_eq!(Scenario::read("", &scenario.write()).as_ref(), Ok(&scenario));
        }
    }

    #[test]
    fn stories_are_of_two_to_forty_nodes_and_of_every_sort() {
        let stories: Vec<Story> = (0..400).map(Story::of).collect();
        let sizes: BTreeSet<usize> = stories.iter().map(|story| story.nodes.len()).collect();
        assert_eq!(sizes.first(), Some(&2));
        assert!(sizes.last().is_some_and(|most| (30..=40).contains(most)), "{sizes:?}");
        for profile in Profile::ALL {
            assert!(stories.iter().any(|story| story.detection == profile.detection()));
        }
        for count in 1..=3 {
            assert!(stories.iter().any(|story| story.networks.len() == count));
        }
        assert!(stories.iter().any(|story| story.ipv6) && stories.iter().any(|story| !story.ipv6));
    }
}
