//! hats-nim on real interfaces, each test in a network namespace of its own.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test waits for one report of many")]

mod common;

use std::{fs, os::fd::AsFd, process::Command as Process, time::Duration};

use common::{Nim, configure, group, in_namespace, ip, run, second_host};
use hats_sys::{Links, monotonic_ns, tap, wait_readable};
use hats_wire::{
    CaseId, Header, Message, NodeId, encode,
    link::{Command, Configure, Mode, NeighbourState, Report, StartProbe},
};

fn datagram(config: &Configure) -> Vec<u8> {
    let header = Header {
        cluster: config.cluster,
        node_id: config.node_id,
        incarnation: config.incarnation,
    };
    encode(&header, &Message::Leave { group: group() })
}

/// Both ends of the first cable, addressed; the default route on the second.
fn pair() -> (Nim, Nim, Configure, Configure) {
    second_host();
    run("ip addr add 10.1.0.1/24 dev a0");
    run("ip -n b addr add 10.1.0.2/24 dev b0");
    run("ip addr add 10.2.0.1/24 dev a1");
    run("ip -n b addr add 10.2.0.2/24 dev b1");
    run("ip route add default via 10.2.0.254");
    run("ip -n b route add default via 10.2.0.254");
    let (a, b) = (configure("a0", "10.1.0.1", 1), configure("b0", "10.1.0.2", 2));
    let (mut nim_a, mut nim_b) = (Nim::start(a.clone()), Nim::start_on_b(b.clone()));
    nim_a.expect_open();
    nim_b.expect_open();
    (nim_a, nim_b, a, b)
}

fn expect_datagram(nim: &mut Nim, sender: &str, bytes: &[u8]) -> bool {
    nim.expect("a datagram", |report| match report {
        Report::Received { from, to_group, datagram, .. } if *from == ip(sender) => {
            assert_eq!(datagram, bytes);
            Some(*to_group)
        }
        _ => None,
    })
}

#[test]
fn group_is_reached_on_the_adapter_though_the_default_route_is_on_another() {
    in_namespace("group_is_reached_on_the_adapter_though_the_default_route_is_on_another", || {
        let (mut a, mut b, config, _) = pair();
        // The same group and port on the other cable: nothing may cross over.
        let mut other = Nim::start_on_b(configure("b1", "10.2.0.2", 2));
        other.expect_open();
        let datagram = datagram(&config);
        a.command(&Command::Send { to: None, datagram: datagram.clone() });
        assert!(expect_datagram(&mut b, "10.1.0.1", &datagram), "came to the group");
        a.command(&Command::Send { to: Some(ip("10.1.0.2")), datagram: datagram.clone() });
        assert!(!expect_datagram(&mut b, "10.1.0.1", &datagram), "came to b alone");
        let crossed = other.listen(Duration::from_millis(200));
        assert!(!crossed.iter().any(|report| matches!(report, Report::Received { .. })));
        let echoed = a.listen(Duration::from_millis(50));
        assert!(!echoed.iter().any(|report| matches!(report, Report::Received { .. })));
    });
}

#[test]
fn neighbour_is_fresh_while_it_beats_and_silent_when_it_is_killed() {
    in_namespace("neighbour_is_fresh_while_it_beats_and_silent_when_it_is_killed", || {
        let (mut a, mut b, ..) = pair();
        a.watch("10.1.0.2");
        b.watch("10.1.0.1");
        a.expect_neighbour(NeighbourState::Fresh);
        b.expect_neighbour(NeighbourState::Fresh);
        run(&format!("kill -KILL {}", b.pid()));
        let killed = monotonic_ns();
        a.expect_neighbour(NeighbourState::Late);
        a.expect_neighbour(NeighbourState::Silent);
        let took = Duration::from_nanos(monotonic_ns() - killed);
        assert!(took < Duration::from_millis(500), "{took:?}");
    });
}

#[test]
fn nim_whose_daemon_is_gone_says_goodbye_and_ends() {
    in_namespace("nim_whose_daemon_is_gone_says_goodbye_and_ends", || {
        let (mut a, mut b, ..) = pair();
        b.watch("10.1.0.1");
        a.expect("a stranger", |report| match report {
            Report::Stranger { node_id: NodeId(2), .. } => Some(()),
            _ => None,
        });
        assert_eq!(b.end(), Some(0));
        let goodbye = a.expect("a goodbye", |report| match report {
            Report::Received { datagram, .. } => Some(hats_wire::decode(datagram).unwrap()),
            _ => None,
        });
        assert_eq!(goodbye.message, Message::Goodbye { group: group() });
    });
}

fn probe(target: &str, icmp_only: bool) -> Command {
    Command::StartProbe(StartProbe {
        id: 5,
        case: CaseId(6),
        target: ip(target),
        count: 3,
        interval_ns: 5_000_000,
        timeout_ns: 300_000_000,
        icmp: true,
        icmp_only,
        size: 0,
        until_answered: false,
    })
}

fn done(nim: &mut Nim) -> hats_wire::link::ProbeDone {
    nim.expect("a probe's end", |report| match report {
        Report::ProbeDone(done) => Some(done.clone()),
        _ => None,
    })
}

#[test]
fn probe_tells_a_nim_from_a_host_without_one_and_from_nobody() {
    in_namespace("probe_tells_a_nim_from_a_host_without_one_and_from_nobody", || {
        let (mut a, mut b, ..) = pair();
        a.command(&probe("10.1.0.2", false));
        let with_nim = done(&mut a);
        assert_eq!((with_nim.sent, with_nim.received), (3, 3));
        assert!((1..100_000_000).contains(&with_nim.rtt_ns), "{}", with_nim.rtt_ns);
        b.expect("a probe", |report| match report {
            Report::ProbeSeen { case: CaseId(6), node_id: NodeId(1), .. } => Some(()),
            _ => None,
        });
        assert_eq!(b.end(), Some(0));
        a.command(&probe("10.1.0.2", false));
        let without = done(&mut a);
        assert_eq!((without.received, without.icmp_sent, without.icmp_received), (0, 3, 3));
        a.command(&probe("10.1.0.99", false));
        let nobody = done(&mut a);
        assert_eq!((nobody.received, nobody.icmp_received), (0, 0));
        a.command(&probe("10.1.0.2", true));
        let reference = done(&mut a);
        assert_eq!((reference.sent, reference.icmp_received), (0, 3));
        assert!(reference.rtt_ns > 0);
    });
}

#[test]
fn carrier_pulled_again_and_again_is_reported_at_once() {
    in_namespace("carrier_pulled_again_and_again_is_reported_at_once", || {
        let tap = tap::open("t0").unwrap();
        run("ip addr add 10.1.0.1/24 dev t0");
        run("ip link set t0 up");
        let mut nim = Nim::start(configure("t0", "10.1.0.1", 1));
        nim.expect_link("carrier", |link| link.open && link.carrier);
        // The kernel holds back all but the first of these for up to a second.
        let mut took = Vec::new();
        for present in [false, true, false, true, false, true, false] {
            std::thread::sleep(Duration::from_millis(150));
            let before = monotonic_ns();
            tap::set_carrier(&tap, present).unwrap();
            let link = nim.expect_link("the carrier's change", |link| link.carrier == present);
            if !present {
                took.push(Duration::from_nanos(link.at_ns - before));
            }
        }
        // Not the worst: a machine that does much else may hold up anything.
        took.sort();
        assert!(took[took.len() / 2] < Duration::from_millis(50), "{took:?}");
    });
}

#[test]
fn address_that_goes_closes_the_adapter_and_opens_it_when_it_returns() {
    in_namespace("address_that_goes_closes_the_adapter_and_opens_it_when_it_returns", || {
        let (mut a, mut b, config, _) = pair();
        for _ in 0..3 {
            run("ip addr del 10.1.0.1/24 dev a0");
            let link = a.expect_link("the address's loss", |link| !link.open);
            assert!(link.present && !link.address && link.carrier, "{link:?}");
            run("ip addr add 10.1.0.1/24 dev a0");
            a.expect_open();
        }
        let datagram = datagram(&config);
        a.command(&Command::Send { to: None, datagram: datagram.clone() });
        assert!(expect_datagram(&mut b, "10.1.0.1", &datagram));
    });
}

#[test]
fn interface_that_is_created_anew_is_served_again() {
    in_namespace("interface_that_is_created_anew_is_served_again", || {
        let (mut a, mut b, config, _) = pair();
        run("ip link del a0");
        let gone = a.expect_link("the interface's end", |link| !link.open && !link.present);
        assert!(!gone.admin_up && !gone.carrier && !gone.address);
        b.expect_link("the other end's end", |link| !link.present);
        // The peer's end went with it.
        run("ip link add a0 type veth peer name b0 netns b");
        run("ip addr add 10.1.0.1/24 dev a0");
        run("ip -n b addr add 10.1.0.2/24 dev b0");
        run("ip link set a0 up");
        run("ip -n b link set b0 up");
        a.expect_open();
        b.expect_link("carrier", |link| link.open && link.carrier);
        a.expect_link("carrier", |link| link.carrier);
        let datagram = datagram(&config);
        a.command(&Command::Send { to: None, datagram: datagram.clone() });
        assert!(expect_datagram(&mut b, "10.1.0.1", &datagram));
    });
}

#[test]
fn interface_that_is_set_down_closes_the_adapter() {
    in_namespace("interface_that_is_set_down_closes_the_adapter", || {
        let (mut a, ..) = pair();
        run("ip link set a0 down");
        let link = a.expect_link("the end of it", |link| !link.open);
        assert!(link.present && !link.admin_up && !link.carrier && link.address, "{link:?}");
        run("ip link set a0 up");
        a.expect_link("carrier", |link| link.open && link.carrier);
    });
}

#[test]
fn nim_waits_for_an_interface_that_does_not_exist_yet() {
    in_namespace("nim_waits_for_an_interface_that_does_not_exist_yet", || {
        let mut nim = Nim::start(configure("late0", "10.1.0.1", 1));
        let link = nim.expect_link("a first report", |_| true);
        assert!(!link.present && !link.open && link.error.is_empty(), "{link:?}");
        let _tap = tap::open("late0").unwrap();
        nim.expect_link("the interface", |link| link.present && !link.address);
        run("ip link set late0 up");
        run("ip addr add 10.1.0.1/24 dev late0");
        nim.expect_open();
    });
}

#[test]
fn ipv6_adapters_reach_each_other_once_their_addresses_are_checked() {
    in_namespace("ipv6_adapters_reach_each_other_once_their_addresses_are_checked", || {
        second_host();
        run("ip addr add fd00:1::1/64 dev a0");
        run("ip -n b addr add fd00:1::2/64 dev b0");
        let config = configure("a0", "fd00:1::1", 1);
        let (mut a, mut b) =
            (Nim::start(config.clone()), Nim::start_on_b(configure("b0", "fd00:1::2", 2)));
        let tentative = a.expect_link("a first report", |_| true);
        assert!(!tentative.address && !tentative.open, "{tentative:?}");
        a.expect_open();
        b.expect_open();
        let datagram = datagram(&config);
        a.command(&Command::Send { to: None, datagram: datagram.clone() });
        assert!(expect_datagram(&mut b, "fd00:1::1", &datagram));
        a.command(&probe("fd00:1::2", false));
        let with_nim = done(&mut a);
        assert_eq!((with_nim.received, b.end()), (3, Some(0)));
        a.command(&probe("fd00:1::2", false));
        let without = done(&mut a);
        assert_eq!((without.received, without.icmp_received), (0, 3));
    });
}

#[test]
fn link_local_addresses_work_without_a_scope_in_the_protocol() {
    in_namespace("link_local_addresses_work_without_a_scope_in_the_protocol", || {
        second_host();
        run("ip addr add fe80::a/64 dev a0 nodad");
        run("ip -n b addr add fe80::b/64 dev b0 nodad");
        let config = configure("a0", "fe80::a", 1);
        let (mut a, mut b) =
            (Nim::start(config.clone()), Nim::start_on_b(configure("b0", "fe80::b", 2)));
        a.expect_open();
        b.expect_open();
        let datagram = datagram(&config);
        for to in [None, Some(ip("fe80::b"))] {
            a.command(&Command::Send { to, datagram: datagram.clone() });
            assert_eq!(expect_datagram(&mut b, "fe80::a", &datagram), to.is_none());
        }
    });
}

#[test]
fn ipv6_address_that_another_host_has_is_said_to_be_a_duplicate() {
    in_namespace("ipv6_address_that_another_host_has_is_said_to_be_a_duplicate", || {
        second_host();
        run("ip -n b addr add fd00:1::1/64 dev b0 nodad");
        std::thread::sleep(Duration::from_millis(50));
        run("ip addr add fd00:1::1/64 dev a0");
        let mut nim = Nim::start(configure("a0", "fd00:1::1", 1));
        let link = nim.expect_link("the duplicate", |link| link.address_duplicate);
        assert!(!link.open && !link.address, "{link:?}");
    });
}

#[test]
fn broadcast_reaches_the_others_and_not_the_sender() {
    in_namespace("broadcast_reaches_the_others_and_not_the_sender", || {
        second_host();
        run("ip addr add 10.1.0.1/24 broadcast 10.1.0.255 dev a0");
        run("ip -n b addr add 10.1.0.2/24 broadcast 10.1.0.255 dev b0");
        let broadcast = |config: Configure| Configure {
            mode: Mode::Broadcast,
            group: Some(ip("10.1.0.255")),
            ..config
        };
        let config = broadcast(configure("a0", "10.1.0.1", 1));
        let mut a = Nim::start(config.clone());
        let mut b = Nim::start_on_b(broadcast(configure("b0", "10.1.0.2", 2)));
        a.expect_open();
        b.expect_open();
        let datagram = datagram(&config);
        a.command(&Command::Send { to: None, datagram: datagram.clone() });
        assert!(expect_datagram(&mut b, "10.1.0.1", &datagram));
        let echoed = a.listen(Duration::from_millis(100));
        assert!(!echoed.iter().any(|report| matches!(report, Report::Received { .. })));
    });
}

#[test]
fn port_that_is_taken_is_named_until_it_is_free() {
    in_namespace("port_that_is_taken_is_named_until_it_is_free", || {
        let _tap = tap::open("t0").unwrap();
        run("ip link set t0 up");
        run("ip addr add 10.1.0.1/24 dev t0");
        let taken = std::net::UdpSocket::bind("10.1.0.1:12347").unwrap();
        let mut nim = Nim::start(configure("t0", "10.1.0.1", 1));
        let link = nim.expect_link("an error", |link| !link.error.is_empty());
        assert!(link.error.contains("10.1.0.1:12347 on t0"), "{}", link.error);
        drop(taken);
        nim.expect_open();
    });
}

/// hats-nim without CAP_NET_RAW.
fn without_raw_sockets() -> Nim {
    let mut process = Process::new("setpriv");
    let no_raw = ["--inh-caps", "-net_raw", "--bounding-set", "-net_raw"];
    process.args(no_raw).arg(env!("CARGO_BIN_EXE_hats-nim"));
    let mut nim = Nim::bare(process);
    nim.command(&Command::Configure(configure("a0", "10.1.0.1", 1)));
    nim
}

fn icmp_and_warnings(nim: &mut Nim) -> (bool, Vec<String>) {
    nim.expect("Ready", |report| match report {
        Report::Ready { icmp, warnings, .. } => Some((*icmp, warnings.clone())),
        _ => None,
    })
}

#[test]
fn without_raw_sockets_the_kernels_ping_socket_is_used_or_the_capability_named() {
    let name = "without_raw_sockets_the_kernels_ping_socket_is_used_or_the_capability_named";
    in_namespace(name, || {
        second_host();
        run("ip addr add 10.1.0.1/24 dev a0");
        run("ip -n b addr add 10.1.0.2/24 dev b0");
        // A new namespace permits it to nobody.
        let (icmp, warnings) = icmp_and_warnings(&mut without_raw_sockets());
        assert!(!icmp && warnings.concat().contains("CAP_NET_RAW"), "{warnings:?}");
        fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0").unwrap();
        let mut nim = without_raw_sockets();
        let (icmp, warnings) = icmp_and_warnings(&mut nim);
        // For ARP there is no other way.
        let about_arp = |warning: &String| warning.starts_with("cannot hear ARP");
        assert!(icmp && warnings.len() == 1 && warnings.iter().all(about_arp), "{warnings:?}");
        nim.expect_open();
        nim.command(&probe("10.1.0.2", true));
        let done = done(&mut nim);
        assert_eq!((done.icmp_sent, done.icmp_received), (3, 3));
    });
}

#[test]
fn link_changes_that_found_no_room_are_found_by_asking_again() {
    in_namespace("link_changes_that_found_no_room_are_found_by_asking_again", || {
        let _tap = tap::open("t0").unwrap();
        let mut links = Links::new(false).unwrap();
        links.wait_ready().unwrap();
        let mut batch = String::new();
        for round in 0..40 {
            for host in 1..=200 {
                let verb = if round % 2 == 0 { "add" } else { "del" };
                batch += &format!("addr {verb} 10.1.0.{host}/32 dev t0\n");
            }
        }
        batch += "link set t0 mtu 1400\n";
        fs::write("/run/batch", batch).unwrap();
        run("ip -batch /run/batch");
        let deadline = monotonic_ns() + 5_000_000_000;
        let is_right = |links: &Links| {
            let t0 = links.table().named("t0").unwrap();
            t0.mtu == 1400 && t0.addresses.is_empty()
        };
        while !is_right(&links) {
            assert!(monotonic_ns() < deadline, "{:?}", links.table());
            links.process().unwrap();
            wait_readable([Some((links.as_fd(), false))], Some(deadline)).unwrap();
        }
    });
}

#[test]
fn datagrams_that_found_no_room_are_counted() {
    in_namespace("datagrams_that_found_no_room_are_counted", || {
        let (mut a, mut b, config, _) = pair();
        run(&format!("kill -STOP {}", b.pid()));
        let datagram = datagram(&config);
        for _ in 0..20_000 {
            a.command(&Command::Send { to: Some(ip("10.1.0.2")), datagram: datagram.clone() });
        }
        a.listen(Duration::from_millis(300));
        run(&format!("kill -CONT {}", b.pid()));
        // The count comes with the next one that finds room.
        b.listen(Duration::from_millis(300));
        a.command(&Command::Send { to: Some(ip("10.1.0.2")), datagram });
        b.expect("a count", |report| match report {
            Report::Statistics(statistics) => {
                statistics.rejected.iter().find(|(reason, _)| reason == "no_room").map(|_| ())
            }
            _ => None,
        });
    });
}

#[test]
fn steady_nim_is_small() {
    in_namespace("steady_nim_is_small", || {
        let (mut a, mut b, ..) = pair();
        a.watch("10.1.0.2");
        b.watch("10.1.0.1");
        a.expect_neighbour(NeighbourState::Fresh);
        a.listen(Duration::from_millis(500));
        let rss = hats_sys::rss_bytes(a.pid()).unwrap();
        let stat = fs::read_to_string(format!("/proc/{}/schedstat", a.pid())).unwrap();
        println!("resident: {} KiB, schedstat of the loop: {stat}", rss / 1024);
        assert!(rss < 8 << 20, "{rss}");
    });
}
