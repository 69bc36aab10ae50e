use super::*;

fn strangers(reports: &[Report]) -> usize {
    reports.iter().filter(|report| matches!(report, Report::Stranger { .. })).count()
}

#[test]
fn what_is_for_the_daemon_goes_up_untouched() {
    let mut bench = Bench::open();
    let input = from_2(Message::Leave { group: group(1) });
    let Input::Datagram { bytes, .. } = input.clone() else { unreachable!() };
    bench.at(10, input);
    assert_eq!(
        bench.reports(),
        [Report::Received {
            at_ns: after(10).0,
            from: address(2),
            to_group: false,
            datagram: bytes
        }]
    );
}

#[test]
fn heartbeat_of_an_unknown_sender_is_told_once_a_second() {
    let mut bench = Bench::open();
    for at in (0..=999_000).step_by(10_000) {
        bench.at(at, from_2(beat(5)));
    }
    assert_eq!(strangers(&bench.reports()), 1);
    bench.at(1_000_000, from_2(beat(5)));
    assert_eq!(strangers(&bench.reports()), 1);
}

#[test]
fn heartbeat_of_a_neighbour_in_our_group_is_told_the_first_time_only() {
    let mut bench = Bench::with_neighbour();
    bench.hear_until(5_000, 3_000_000);
    assert_eq!(strangers(&bench.reports()), 1);
}

#[test]
fn change_of_group_or_incarnation_is_told_at_once() {
    let mut bench = Bench::with_neighbour();
    bench.at(5_000, from_2(beat(1)));
    bench.take();
    bench.at(6_000, from_2(beat(2)));
    assert_eq!(strangers(&bench.reports()), 1);
    let header = Header { cluster: CLUSTER, node_id: NodeId(2), incarnation: Incarnation(2) };
    let bytes = encode(&header, &beat(2));
    bench.at(7_000, Input::Datagram { from: address(2), to_group: false, bytes });
    let reports = bench.reports();
    let [Report::Stranger { incarnation: Incarnation(2), .. }] = reports[..] else {
        panic!("{reports:?}");
    };
}

#[test]
fn flood_of_invented_senders_is_counted_and_not_told() {
    let mut bench = Bench::open();
    for host in 2..=200 {
        bench.at(0, datagram(host, CLUSTER, &beat(1)));
    }
    assert_eq!(strangers(&bench.reports()), 64);
    bench.run_until(1_000_000);
    assert_eq!(statistics(&bench.take()).rejected, [("strangers".into(), 135)]);
}

#[test]
fn what_cannot_be_read_is_counted_by_reason() {
    let mut bench = Bench::with_neighbour();
    let garbage =
        |bytes: &[u8]| Input::Datagram { from: address(2), to_group: true, bytes: bytes.to_vec() };
    bench.at(1_000, garbage(b"GET / HTTP/1.1"));
    bench.at(1_000, garbage(b""));
    assert_eq!(bench.states(), [], "garbage is no sign of life");
    bench.run_until(1_001_000);
    let statistics = statistics(&bench.take());
    assert_eq!(statistics.received, 2);
    assert_eq!(statistics.rejected, [("not_ours".into(), 1), ("too_short".into(), 1)]);
}

#[test]
fn foreign_heartbeats_are_counted_and_no_sign_of_life() {
    let mut bench = Bench::with_neighbour();
    bench.at(1_000, datagram(2, CLUSTER + 1, &beat(1)));
    assert_eq!(bench.reports(), []);
    bench.run_until(1_001_000);
    assert_eq!(statistics(&bench.take()).rejected, [("foreign_cluster".into(), 1)]);
}

#[test]
fn other_foreign_datagrams_go_up_so_that_the_cluster_can_be_named() {
    let mut bench = Bench::open();
    bench.at(1_000, datagram(2, CLUSTER + 1, &Message::Leave { group: group(1) }));
    let reports = bench.reports();
    assert!(matches!(reports[..], [Report::Received { .. }]), "{reports:?}");
}

#[test]
fn own_broadcasts_that_come_back_are_counted() {
    let mut bench = Bench::open();
    bench.at(1_000, datagram(OWN, CLUSTER, &Message::Leave { group: group(1) }));
    assert_eq!(bench.reports(), []);
    bench.run_until(1_001_000);
    assert_eq!(statistics(&bench.take()).rejected, [("own".into(), 1)]);
}

#[test]
fn another_node_with_our_address_is_told() {
    let mut bench = Bench::open();
    let header = Header { cluster: CLUSTER, node_id: NodeId(77), incarnation: Incarnation(1) };
    let bytes = encode(&header, &beat(1));
    bench.at(1_000, Input::Datagram { from: address(OWN), to_group: false, bytes });
    assert_eq!(strangers(&bench.reports()), 1);
}

#[test]
fn datagram_of_the_daemon_is_sent_as_it_is() {
    let mut bench = Bench::open();
    let send = Command::Send { to: None, datagram: vec![1, 2, 3] };
    bench.at(0, Input::Command(send));
    let effects = bench.take();
    assert!(effects.contains(&Effect::Transmit { to: None, bytes: vec![1, 2, 3] }));
}

#[test]
fn datagram_that_cannot_be_sent_is_counted() {
    let mut bench = Bench::open();
    bench.at(0, Input::LinkChanged(Link::default()));
    bench.at(0, Input::Command(Command::Send { to: None, datagram: vec![1] }));
    bench.at(0, Input::SendFailed);
    bench.run_until(1_000_000);
    let statistics = statistics(&bench.take());
    assert_eq!((statistics.sent, statistics.send_errors), (0, 2));
}

#[test]
fn link_is_reported_when_it_changed() {
    let mut bench = Bench::open();
    let link =
        |at_ns, carrier| Input::LinkChanged(Link { at_ns, carrier, open: true, ..Link::default() });
    bench.at(0, link(1, false));
    assert_eq!(bench.reports(), [], "only the time differs");
    bench.at(0, link(2, true));
    assert_eq!(bench.reports().len(), 1);
}

#[test]
fn daemon_that_vanishes_is_taken_leave_of() {
    let mut bench = Bench::with_neighbour();
    bench.at(1_000, Input::DaemonGone);
    let effects = bench.take();
    let goodbye = |effect: &Effect| match effect {
        Effect::Transmit { to, bytes } => {
            let Frame { message, .. } = decode(bytes).unwrap();
            assert_eq!(message, Message::Goodbye { group: group(1) });
            *to
        }
        Effect::Report(_)
        | Effect::Arp { .. }
        | Effect::TransmitWhole { .. }
        | Effect::Echo { .. }
        | Effect::Exit => {
            panic!("{effect:?}")
        }
    };
    assert_eq!(effects[..2].iter().map(goodbye).collect::<Vec<_>>(), [None, Some(address(2))]);
    assert_eq!(effects[2..], [Effect::Exit]);
}

#[test]
fn daemon_that_stops_in_good_order_has_said_goodbye_itself() {
    let mut bench = Bench::with_neighbour();
    bench.at(1_000, Input::Command(Command::Shutdown));
    bench.at(1_000, Input::DaemonGone);
    assert_eq!(bench.take(), [Effect::Exit]);
    assert_eq!(bench.machine.next_deadline(), None);
}

fn announced(from: IpAddr, cluster: u32, message: &Message) -> Input {
    let header = Header { cluster, node_id: NodeId(2), incarnation: Incarnation(1) };
    Input::Announced { from, bytes: encode(&header, message) }
}

fn proclaim() -> Message {
    Message::Proclaim(hats_wire::Proclaim {
        group: group(1),
        size: 1,
        digest: 0,
        cluster: "c".into(),
        network: "netb".into(),
        node: "n2".into(),
        interface: "eth1".into(),
        database: 0,
    })
}

#[test]
fn leader_of_another_subnet_on_the_wire_is_told_and_none_of_this_one_or_of_others() {
    let other = IpAddr::V4(Ipv4Addr::new(10, 0, 1, 2));
    let mut bench = Bench::open();
    bench.at(10, announced(other, CLUSTER, &proclaim()));
    let at_ns = after(10).0;
    assert_eq!(bench.reports(), [Report::Overheard { at_ns, address: other, mac: Vec::new() }]);
    bench.at(20, announced(address(2), CLUSTER, &proclaim()));
    bench.at(30, announced(other, CLUSTER + 1, &proclaim()));
    bench.at(40, announced(other, CLUSTER, &beat(1)));
    assert_eq!(bench.reports(), []);
}

#[test]
fn subnet_ends_where_its_prefix_does() {
    let within = |address: &str, other: &str, length| {
        super::super::is_within(address.parse().unwrap(), (other.parse().unwrap(), length))
    };
    assert!(within("10.0.0.255", "10.0.0.1", 24));
    assert!(!within("10.0.1.0", "10.0.0.1", 24));
    assert!(within("192.0.2.1", "10.0.0.1", 0));
    assert!(!within("10.0.0.2", "10.0.0.1", 32));
    assert!(within("fd00:0:0:1::9", "fd00:0:0:1::1", 64));
    assert!(!within("fd00:0:0:2::9", "fd00:0:0:1::1", 64));
    assert!(!within("fd00::9", "10.0.0.1", 0));
}
