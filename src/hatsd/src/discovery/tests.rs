use std::path::Path;

use hats_core::{io::AdapterIndex, time::Timestamp};

use super::*;
use crate::config;

fn interface(index: u32, name: &str, addresses: &[&str]) -> Interface {
    Interface {
        index,
        name: name.to_owned(),
        mac: vec![2, 0, 0, 0, 0, 1],
        addresses: addresses.iter().map(|text| address(text)).collect(),
        ..Interface::default()
    }
}

fn address(text: &str) -> Address {
    let net: IpNet = text.parse().unwrap();
    Address {
        address: net.addr(),
        prefix_length: net.prefix_len(),
        temporary: false,
        tentative: false,
    }
}

fn kind(kind: &str, interface: Interface) -> Interface {
    Interface { kind: kind.to_owned(), ..interface }
}

fn settings(text: &str) -> Settings {
    config::parse(Path::new("hatsd.toml"), text, false).unwrap().settings
}

fn names(plan: &Plan) -> Vec<String> {
    plan.adapters
        .iter()
        .map(|spec| format!("{} {} {}", spec.network.name, spec.interface, spec.address))
        .collect()
}

fn reasons(plan: &Plan) -> Vec<&str> {
    plan.left_out.iter().map(|it| it.reason.as_str()).collect()
}

fn waits(plan: &Plan) -> Vec<&str> {
    plan.waiting.iter().map(|it| it.reason.as_str()).collect()
}

#[test]
fn every_subnet_found_is_a_network_named_as_the_subnet() {
    let loopback = Interface { loopback: true, ..interface(1, "lo", &["127.0.0.1/8"]) };
    let found = [
        loopback,
        interface(2, "eth0", &["10.77.1.3/24", "10.77.1.4/24", "fe80::3/64"]),
        interface(3, "eth1", &["10.77.2.3/24", "2001:db8:1::3/64", "fe80::4/64"]),
        interface(4, "eth2", &["fe80::5/64"]),
        interface(5, "eth3", &["10.77.1.9/24"]),
        interface(6, "eth4", &[]),
    ];
    let plan = plan(&Settings::default(), &found);
    assert_eq!(
        names(&plan),
        [
            "10.77.1.0/24 eth0 10.77.1.3",
            "10.77.2.0/24 eth1 10.77.2.3",
            "2001:db8:1::/64 eth1 2001:db8:1::3",
            "fe80::/64%eth2 eth2 fe80::5",
        ]
    );
    let second = "10.77.1.9 of eth3 is on network 10.77.1.0/24, which eth0 serves already";
    assert!(reasons(&plan).contains(&second), "{:?}", reasons(&plan));
}

#[test]
fn container_bridges_and_tunnels_are_left_out_and_listed() {
    let port = Interface { master: Some(4), ..interface(5, "eth1", &["fe80::1/64"]) };
    let tun = Interface {
        point_to_point: true,
        mac: Vec::new(),
        ..kind("tun", interface(6, "tun0", &["10.8.0.1/24"]))
    };
    let found = [
        kind("bridge", interface(2, "docker0", &["172.17.0.1/16"])),
        kind("bridge", interface(3, "br7", &["172.18.0.1/16"])),
        kind("bridge", interface(4, "br0", &["192.168.1.2/24"])),
        port,
        tun,
        kind("wireguard", interface(7, "wg0", &["10.9.0.1/24"])),
        kind("tun", interface(8, "tap0", &["10.77.1.1/24"])),
        kind("veth", interface(9, "eth0", &["10.77.2.1/24"])),
    ];
    let plan = plan(&Settings::default(), &found);
    assert_eq!(
        names(&plan),
        [
            "192.168.1.0/24 br0 192.168.1.2",
            "10.77.1.0/24 tap0 10.77.1.1",
            "10.77.2.0/24 eth0 10.77.2.1",
        ]
    );
    assert_eq!(
        reasons(&plan),
        [
            "br7 is a bridge of containers or virtual machines",
            "docker0 is a bridge of containers or virtual machines",
            "tun0 is a tunnel or another point-to-point link",
            "wg0 is a tunnel (wireguard)",
        ]
    );
}

#[test]
fn single_hosts_and_privacy_addresses_make_no_network() {
    let mut eth0 = interface(2, "eth0", &["10.0.0.1/32", "2001:db8::8/128", "2001:db8::7/64"]);
    eth0.addresses[2].temporary = true;
    let plan = plan(&Settings::default(), &[eth0]);
    assert_eq!(names(&plan), Vec::<String>::new());
    assert_eq!(plan.left_out.len(), 3);
}

#[test]
fn an_address_is_taken_once_the_kernel_knows_that_nobody_else_has_it() {
    let mut eth0 = interface(2, "eth0", &["2001:db8::7/64", "fe80::7/64"]);
    eth0.addresses[0].tentative = true;
    eth0.addresses[1].tentative = true;
    assert_eq!(plan(&Settings::default(), &[eth0.clone()]), Plan::default());
    eth0.addresses[0].tentative = false;
    let plan = plan(&Settings::default(), &[eth0]);
    assert_eq!(names(&plan), ["2001:db8::/64 eth0 2001:db8::7"]);
}

#[test]
fn an_adapter_entry_takes_a_bridge_in_and_picks_the_address() {
    let settings = settings(
        "[[adapter]]\ninterface = \"docker0\"\n\
         [[adapter]]\ninterface = \"eth0\"\naddress = \"10.0.1.1\"\n\
         [[adapter]]\ninterface = \"eth9\"\n",
    );
    let found = [
        kind("bridge", interface(2, "docker0", &["172.17.0.1/16"])),
        interface(3, "eth0", &["10.0.0.1/24", "10.0.1.1/24"]),
    ];
    let plan = plan(&settings, &found);
    assert_eq!(names(&plan), ["172.17.0.0/16 docker0 172.17.0.1", "10.0.1.0/24 eth0 10.0.1.1"]);
    assert_eq!(waits(&plan), ["interface eth9 does not exist"]);
}

#[test]
fn configured_networks_take_what_they_name_and_nothing_else() {
    let settings = settings(
        "[[network]]\nname = \"neta\"\nsubnet = \"10.77.0.0/16\"\ngroup = \"239.28.4.1\"\n\
         [[network]]\nname = \"netb\"\ninterfaces = [\"eth1\", \"eth7\"]\nmode = \"broadcast\"\n\
         [[network]]\nname = \"netc\"\nsubnet = \"192.168.9.0/24\"\n",
    );
    let found = [
        interface(2, "eth0", &["10.77.1.3/24"]),
        interface(3, "eth1", &["2001:db8::1/64", "10.88.1.3/24"]),
        interface(4, "eth2", &["10.99.1.3/24"]),
    ];
    let plan = plan(&settings, &found);
    assert_eq!(names(&plan), ["neta eth0 10.77.1.3", "netb eth1 10.88.1.3"]);
    assert_eq!(plan.adapters[0].network.subnet, "10.77.0.0/16");
    assert_eq!(plan.adapters[0].prefix_length, 24);
    assert_eq!(plan.adapters[0].network.group, Some("239.28.4.1".parse().unwrap()));
    assert_eq!(plan.adapters[1].network.group, Some("10.88.1.255".parse().unwrap()));
    assert_eq!(
        waits(&plan),
        ["interface eth7 does not exist", "no interface has an address in 192.168.9.0/24",]
    );
    assert!(reasons(&plan).contains(&"no [[network]] takes 10.99.1.3 of eth2"), "{plan:?}");
}

#[test]
fn own_address_is_no_peer() {
    let settings = settings(
        "[[network]]\nname = \"neta\"\nsubnet = \"10.77.1.0/24\"\nmode = \"unicast\"\n\
         peers = [\"10.77.1.3\", \"10.77.1.4\"]\n",
    );
    let plan = plan(&settings, &[interface(2, "eth0", &["10.77.1.3/24"])]);
    assert_eq!(plan.adapters[0].network.peers, ["10.77.1.4".parse::<IpAddr>().unwrap()]);
    assert_eq!(plan.adapters[0].network.group, None);
}

#[test]
fn peers_are_known_with_multicast_too_where_it_may_be_dead_from_the_start() {
    let settings = settings(
        "[[network]]\nname = \"neta\"\nsubnet = \"10.77.1.0/24\"\n\
         peers = [\"10.77.1.3\", \"10.77.1.4\"]\n",
    );
    let plan = plan(&settings, &[interface(2, "eth0", &["10.77.1.3/24"])]);
    let network = &plan.adapters[0].network;
    assert_eq!(network.peers, ["10.77.1.4".parse::<IpAddr>().unwrap()]);
    assert_eq!(network.mode, Mode::Multicast);
    assert!(network.group.is_some());
}

#[test]
fn an_adapter_entry_moves_an_interface_to_its_network() {
    let settings = settings(
        "[[network]]\nname = \"neta\"\nsubnet = \"10.77.1.0/24\"\n\
         [[network]]\nname = \"netb\"\n\
         [[adapter]]\ninterface = \"eth1\"\nnetwork = \"netb\"\n",
    );
    let found = [interface(2, "eth0", &["10.77.1.3/24"]), interface(3, "eth1", &["10.77.1.4/24"])];
    assert_eq!(names(&plan(&settings, &found)), ["neta eth0 10.77.1.3", "netb eth1 10.77.1.4"]);
}

#[test]
fn derived_groups_never_change() {
    let group = |subnet: &str| derived_group(&subnet.parse().unwrap()).to_string();
    assert_eq!(group("10.77.1.0/24"), "239.255.249.91");
    assert_eq!(group("10.77.2.0/24"), "239.255.75.38");
    assert_eq!(group("2001:db8:1::/64"), "ff02::4841:f0e5");
}

fn at(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1_000_000_000)
}

fn follow(roster: &mut Roster, found: &[Interface], seconds: u64) -> Vec<Change> {
    let plan = plan(&Settings::default(), found);
    roster.follow(&plan, found, at(seconds))
}

#[test]
fn an_address_that_vanishes_keeps_its_adapter() {
    let mut roster = Roster::default();
    assert_eq!(follow(&mut roster, &[interface(2, "eth0", &["10.0.0.1/24"])], 0).len(), 1);
    assert_eq!(follow(&mut roster, &[interface(2, "eth0", &[])], 1), []);
    assert_eq!(follow(&mut roster, &[], 2), []);
    assert_eq!(follow(&mut roster, &[interface(3, "eth0", &["10.0.0.1/24"])], 3), []);
}

#[test]
fn another_address_on_the_same_network_replaces_a_vanished_one() {
    let mut roster = Roster::default();
    follow(&mut roster, &[interface(2, "eth0", &["10.0.0.1/24"])], 0);
    let both = [interface(2, "eth0", &["10.0.0.2/24", "10.0.0.1/24"])];
    assert_eq!(follow(&mut roster, &both, 1), [], "the first one still works");
    let changes = follow(&mut roster, &[interface(2, "eth0", &["10.0.0.2/24"])], 2);
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0], Change::Removed(AdapterIndex(0)));
    match &changes[1] {
        Change::Added(index, spec) => {
            assert_eq!(*index, AdapterIndex(1), "numbers are not used twice");
            assert_eq!(spec.address.to_string(), "10.0.0.2");
        }
        Change::Removed(_) => panic!("{changes:?}"),
    }
}

#[test]
fn a_link_local_adapter_gives_way_to_a_proper_address() {
    let mut roster = Roster::default();
    assert_eq!(follow(&mut roster, &[interface(2, "eth0", &["fe80::7/64"])], 0).len(), 1);
    let both = [interface(2, "eth0", &["fe80::7/64", "10.0.0.1/24"])];
    let changes = follow(&mut roster, &both, 1);
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0], Change::Removed(AdapterIndex(0)));
}

#[test]
fn a_lost_address_is_waited_for_instead_of_taking_the_link_local_one() {
    let mut roster = Roster::default();
    let whole = [interface(2, "eth0", &["fe80::7/64", "fd00::1/64"])];
    assert_eq!(follow(&mut roster, &whole, 0).len(), 1);
    assert_eq!(follow(&mut roster, &[interface(2, "eth0", &["fe80::7/64"])], 1), []);
    assert_eq!(follow(&mut roster, &whole, 2), []);
}

#[test]
fn the_same_address_in_another_subnet_is_another_adapter() {
    let mut roster = Roster::default();
    follow(&mut roster, &[interface(2, "eth0", &["10.0.0.1/24"])], 0);
    let changes = follow(&mut roster, &[interface(2, "eth0", &["10.0.0.1/16"])], 1);
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0], Change::Removed(AdapterIndex(0)));
}

#[test]
fn an_adapter_gone_for_ten_minutes_is_forgotten_and_one_that_returns_is_not() {
    let mut roster = Roster::default();
    let here = [interface(2, "eth0", &["10.0.0.1/24"])];
    follow(&mut roster, &here, 0);
    assert_eq!(roster.next_expiry(), None);
    follow(&mut roster, &[], 10);
    assert_eq!(roster.next_expiry(), Some(at(610)));
    follow(&mut roster, &here, 20);
    assert_eq!(roster.next_expiry(), None);
    follow(&mut roster, &[], 30);
    assert_eq!(roster.expire(at(629)), []);
    assert_eq!(roster.expire(at(630)), [Change::Removed(AdapterIndex(0))]);
    assert_eq!(follow(&mut roster, &here, 631).len(), 1);
}

#[test]
fn the_gateway_in_an_adapters_own_subnet_is_told_once_and_again_when_it_changes() {
    let mut roster = Roster::default();
    let with = |gateway: &str| {
        let gateways = vec![gateway.parse().unwrap(), "fe80::1".parse().unwrap()];
        [Interface {
            gateways,
            ..interface(2, "eth0", &["10.0.0.1/24", "10.1.0.1/24", "fd00::1/64"])
        }]
    };
    let here = with("10.0.0.254");
    follow(&mut roster, &here, 0);
    let told =
        |change: &(AdapterIndex, Option<IpAddr>)| (change.0.0, change.1.unwrap().to_string());
    let first: Vec<_> = roster.gateways(&here).iter().map(told).collect();
    assert_eq!(first, [(0, "10.0.0.254".to_owned()), (2, "fe80::1".to_owned())]);
    assert_eq!(roster.gateways(&here), []);
    let moved: Vec<_> = roster.gateways(&with("10.1.0.254")).to_vec();
    assert_eq!(moved, [(AdapterIndex(0), None), (AdapterIndex(1), "10.1.0.254".parse().ok())]);
}

#[test]
fn what_an_adapter_must_reach_is_of_its_own_family() {
    let text =
        "[[adapter]]\ninterface = \"eth0\"\nrequired_targets = [\"10.0.0.9\", \"fd00::9\"]\n";
    let found = [interface(2, "eth0", &["10.0.0.1/24", "fd00::1/64"])];
    let named = format!("{text}[[network]]\nname = \"neta\"\nsubnet = \"10.0.0.0/24\"\n");
    let targets = |text: &str| -> Vec<Vec<IpAddr>> {
        let plan = plan(&settings(text), &found);
        plan.adapters.into_iter().map(|spec| spec.required_targets).collect()
    };
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    assert_eq!(targets(text), [[ip("10.0.0.9")], [ip("fd00::9")]]);
    assert_eq!(targets(&named), [[ip("10.0.0.9")]]);
}
