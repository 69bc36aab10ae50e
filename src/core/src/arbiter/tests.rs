//! One node's arbitration, with its NIMs and the other nodes played by the test.

use alloc::{vec, vec::Vec};

use hats_wire::{
    AdapterReport, GroupId, Incarnation, Item, ItemBody, List, Message, Multicast, NodeReport,
};

use super::*;
use crate::{config::Profile, members::tests::member};

mod brief;
mod late;
mod reporting;
mod serving;

const NETA: AdapterIndex = AdapterIndex(0);
const NETB: AdapterIndex = AdapterIndex(1);

fn node(of: u8) -> NodeId {
    member(of).node_id
}

fn on(network: AdapterIndex, of: u8) -> Member {
    if network == NETA {
        return member(of);
    }
    let (address, interface) = (IpAddr::from([10, 77, 2, of]), "eth1".into());
    Identity { address, interface, ..Identity::clone(&member(of)) }.into()
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn detection() -> Detection {
    Profile::Default.detection()
}

/// A node among others on one or two networks.
struct Scene {
    me: u8,
    now: Timestamp,
    networks: Vec<(AdapterIndex, Member, Group)>,
    references: Vec<IpAddr>,
    fault: Option<Cause>,
    heard: Detours,
    speakers: Speakers,
    database: Database,
    arbiter: Arbiter,
}

impl Scene {
    /// The node `me` of `names`, a member of all `networks`.
    fn new(me: u8, names: &[u8], networks: &[AdapterIndex]) -> Self {
        let mut database = Database::new(Incarnation(1));
        for name in names {
            database.insert(report(*name, networks));
        }
        let joined = |network: &AdapterIndex| {
            let members: Vec<Member> = names.iter().map(|name| on(*network, *name)).collect();
            (*network, on(*network, me), joined(&on(*network, me), &members))
        };
        let prefix = alloc::format!("n{me}-1");
        Scene {
            me,
            now: Timestamp(1_000_000_000_000),
            networks: networks.iter().map(joined).collect(),
            references: vec![],
            fault: None,
            heard: Detours::default(),
            speakers: Speakers::default(),
            database,
            arbiter: Arbiter::new(node(me), 1, &member(me).node.clone(), prefix, &detection()),
        }
    }

    /// Node 3 of five on two networks: watched ones are its neighbours.
    fn of_five() -> Self {
        Scene::new(3, &[1, 2, 3, 4, 5], &[NETA, NETB])
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Arbiter, Timestamp, &Surroundings) -> T) -> T {
        let places = self
            .networks
            .iter()
            .map(|network| {
                let (adapter, me, group) = (network.0, &network.1, &network.2);
                let network = if adapter == NETA { "neta" } else { "netb" };
                let fault = self.fault.filter(|_| adapter == NETA);
                let (references, heard, now) = (&self.references[..], &self.heard, self.now);
                let speakers = &self.speakers;
                Place { adapter, network, me, group, references, fault, heard, speakers, now }
            })
            .collect();
        act(&mut self.arbiter, self.now, &Surroundings { places, database: &self.database })
    }

    fn missed(&mut self, who: u8, silent: bool) {
        let missed = Missed { silent, ..Missed::late_since(Timestamp(self.now.0 - 375_000_000)) };
        self.with(|arbiter, now, around| {
            arbiter.missed(now, NETA, member(who).address, missed, around);
        });
    }

    /// Lets time pass; what is due is done on the way.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.arbiter.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.with(|arbiter, now, around| arbiter.wake(now, around));
        }
        self.now = end;
    }

    /// A NIM says how a probe ended.
    fn done(&mut self, probe: &StartProbe, received: u32) {
        let done = ProbeDone {
            id: probe.id,
            at_ns: self.now.0,
            sent: if probe.icmp_only { 0 } else { probe.count },
            received: received.min(probe.count),
            rtt_ns: 200_000,
            icmp_sent: u32::from(probe.icmp),
            icmp_received: u32::from(probe.icmp && received > 0),
            stalled: false,
            heard: received,
        };
        self.with(|arbiter, now, around| arbiter.probe_done(now, &done, around));
    }

    /// All probes among the acts end: answered where `answers` says so.
    fn finish(&mut self, acts: &[Act], answers: impl Fn(AdapterIndex, IpAddr) -> bool) {
        for act in acts {
            if let Act::Probe { adapter, probe } = act {
                let received = if answers(*adapter, probe.target) { 3 } else { 0 };
                self.done(probe, received);
            }
        }
    }

    /// An arbiter's findings arrive: on neta it reaches these.
    fn result(&mut self, from: u8, request: &ProbeRequest, reached: &[u8]) {
        let parties = [&request.suspect, &request.reporter];
        let observations =
            parties.map(|party| finding(from, party, reached.contains(&last(party)))).to_vec();
        let (case, round) = (request.case, request.round);
        let result = ProbeResult { case, round, observations, abstains: false };
        self.with(|arbiter, now, around| arbiter.result(now, node(from), result, around));
    }

    fn acts(&mut self) -> Vec<Act> {
        self.arbiter.drain()
    }
}

fn last(member: &Member) -> u8 {
    u8::try_from(member.node_id.0).expect("small")
}

fn finding(prober: u8, target: &Member, reached: bool) -> Observation {
    Observation {
        prober: member(prober).node.clone(),
        prober_address: member(prober).address,
        prober_is_reporter: false,
        target: target.node.clone(),
        target_address: target.address,
        network: "neta".into(),
        sent: PROBES,
        received: if reached { PROBES } else { 0 },
        rtt_us: None,
        seen_by_target: Some(if reached { PROBES } else { 0 }),
        heard_from_target: 0,
        icmp: Some(reached),
        elsewhere: Some(false),
        stalled: false,
        fact: None,
    }
}

fn report(name: u8, networks: &[AdapterIndex]) -> Item {
    let adapters = networks
        .iter()
        .map(|network| {
            let Identity { interface, address, .. } = Identity::clone(&on(*network, name));
            let network = if *network == NETA { "neta" } else { "netb" }.into();
            let multicast = Multicast::Unknown;
            AdapterReport {
                network,
                interface,
                address,
                fault: None,
                group: None,
                held: None,
                mac: Vec::new(),
                loss: None,
                multicast,
                narrow: Vec::new(),
                overheard: Vec::new(),
            }
        })
        .collect();
    let body = ItemBody::Node(NodeReport {
        node_id: node(name),
        node: member(name).node.clone(),
        version: "1".into(),
        adapters,
        leaving: false,
        maintenance: false,
    });
    Item { incarnation: Incarnation(1), sequence: 1, body }
}

/// A group that lists these, as `me` sees it. The highest leads.
fn joined(me: &Member, members: &[Member]) -> Group {
    let mut group = Group::new(me.clone(), &detection(), 0);
    let start = Timestamp(1);
    group.enable(start);
    let listened = start + detection().heartbeat_interval;
    group.wake(listened);
    let leader = members.iter().map(|member| member.address).max().expect("somebody");
    assert_ne!(leader, me.address, "the node of these tests follows");
    let list = List {
        group: GroupId { instance: 9, leader },
        members: members.to_vec(),
        failed_paths: vec![],
        removed: vec![],
        base: None,
        told: vec![],
    };
    group.handle(listened, leader, Message::List(list));
    assert!(group.view().is_some_and(|view| view.members.len() == members.len()));
    group.drain();
    group
}

/// Whom letters of a kind go to, and what they say.
fn letters<T>(acts: &[Act], pick: impl Fn(&Letter) -> Option<T>) -> Vec<(NodeId, T)> {
    let pick = |act: &Act| {
        let Act::Letter { to, letter, .. } = act else { return None };
        Some((*to, pick(letter)?))
    };
    acts.iter().filter_map(pick).collect()
}

fn requests(acts: &[Act]) -> Vec<(NodeId, ProbeRequest)> {
    letters(acts, |letter| {
        if let Letter::ProbeRequest(request) = letter { Some(request.clone()) } else { None }
    })
}

fn results(acts: &[Act]) -> Vec<(NodeId, ProbeResult)> {
    letters(acts, |letter| {
        if let Letter::ProbeResult(result) = letter { Some(result.clone()) } else { None }
    })
}

fn seens(acts: &[Act]) -> Vec<(NodeId, ProbeSeen)> {
    letters(
        acts,
        |letter| if let Letter::ProbeSeen(seen) = letter { Some(seen.clone()) } else { None },
    )
}

fn probes(acts: &[Act]) -> Vec<(AdapterIndex, StartProbe)> {
    let pick = |act: &Act| {
        let Act::Probe { adapter, probe } = act else { return None };
        Some((*adapter, probe.clone()))
    };
    acts.iter().filter_map(pick).collect()
}

fn concluded(acts: &[Act]) -> Vec<Concluded> {
    let pick = |act: &Act| {
        let Act::Concluded(concluded) = act else { return None };
        Some((**concluded).clone())
    };
    acts.iter().filter_map(pick).collect()
}
