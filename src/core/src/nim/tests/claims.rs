use super::*;

const OWN_MAC: Mac = [2, 0, 0, 0, 0, 1];
const RIVAL: Mac = [2, 0, 0, 0, 0, 9];
const MS: u64 = 1_000;

fn v4(address: IpAddr) -> Ipv4Addr {
    let IpAddr::V4(address) = address else { unreachable!() };
    address
}

fn open_link(open: bool) -> Input {
    Input::LinkChanged(Link { open, mac: OWN_MAC.into(), ..Link::default() })
}

fn with_arp() -> Bench {
    let mut bench = Bench { machine: Machine::new(config(), START), effects: Vec::new() };
    bench.at(0, Input::ArpAvailable(true));
    bench.at(0, open_link(true));
    bench.take();
    bench
}

/// It says that it has this address.
fn says(mac: Mac, sender: Ipv4Addr) -> Input {
    Input::Arp { mac, sender, target: Ipv4Addr::LOCALHOST, asks: false }
}

fn own() -> Ipv4Addr {
    v4(address(OWN))
}

fn questions(effects: &[Effect]) -> usize {
    let asks = |it: &&Effect| {
        matches!(it, Effect::Arp { sender, target, mac: OWN_MAC }
            if sender.is_unspecified() && *target == own())
    };
    effects.iter().filter(asks).count()
}

fn taken(reports: &[Report]) -> Vec<Vec<u8>> {
    let of = |report: &Report| {
        if let Report::Taken { mac, .. } = report { Some(mac.clone()) } else { None }
    };
    reports.iter().filter_map(of).collect()
}

#[test]
fn own_address_is_asked_for_thrice_when_it_comes_up_and_rarely_afterwards() {
    let mut bench = with_arp();
    bench.run_until(3_500 * MS);
    assert_eq!(questions(&bench.take()), 3);
    bench.run_until(62_500 * MS);
    assert_eq!(questions(&bench.take()), 0);
    bench.run_until(70_000 * MS);
    assert_eq!(questions(&bench.take()), 1);
}

#[test]
fn nothing_is_asked_without_the_privilege() {
    let mut bench = Bench::open();
    bench.run_until(70_000 * MS);
    assert_eq!(questions(&bench.take()), 0);
}

#[test]
fn host_that_goes_on_to_have_the_address_is_told_once_and_that_it_is_gone() {
    let mut bench = with_arp();
    let mut at = 10_000 * MS;
    for _ in 0..8 {
        bench.run_until(at);
        bench.at(at, says(RIVAL, own()));
        at += 1_000 * MS;
    }
    assert!(questions(&bench.effects) >= 3);
    assert_eq!(taken(&bench.reports()), [RIVAL.to_vec()]);
    // It was heard last at 17 s.
    bench.run_until(32_900 * MS);
    assert_eq!(taken(&bench.reports()), [] as [Vec<u8>; 0]);
    bench.run_until(40_000 * MS);
    assert_eq!(taken(&bench.reports()), [Vec::new()]);
}

#[test]
fn one_word_of_a_former_holder_is_not_told() {
    let mut bench = with_arp();
    bench.at(10_000 * MS, says(RIVAL, own()));
    bench.run_until(60_000 * MS);
    assert_eq!(taken(&bench.reports()), [] as [Vec<u8>; 0]);
}

#[test]
fn address_that_moves_away_has_no_rival() {
    let mut bench = with_arp();
    bench.at(10_000 * MS, says(RIVAL, own()));
    bench.at(10_500 * MS, open_link(false));
    bench.at(13_000 * MS, says(RIVAL, own()));
    bench.at(20_000 * MS, says(RIVAL, own()));
    assert_eq!(taken(&bench.reports()), [] as [Vec<u8>; 0]);
}

#[test]
fn own_words_and_those_to_groups_are_no_rivals() {
    let mut bench = with_arp();
    for second in 10..20 {
        bench.at(second * 1_000 * MS, says(OWN_MAC, own()));
        bench.at(second * 1_000 * MS, says([3; 6], own()));
    }
    assert_eq!(taken(&bench.reports()), [] as [Vec<u8>; 0]);
}

#[test]
fn host_of_another_subnet_is_overheard_at_most_each_two_seconds_and_none_of_this_one() {
    let other = Ipv4Addr::new(10, 0, 1, 2);
    let mut bench = with_arp();
    let asks = Input::Arp { mac: RIVAL, sender: Ipv4Addr::UNSPECIFIED, target: other, asks: true };
    bench.at(10 * MS, asks.clone());
    bench.at(20 * MS, says(RIVAL, other));
    bench.at(30 * MS, says(RIVAL, v4(address(5))));
    bench.run_until(2_009 * MS);
    bench.at(2_010 * MS, asks);
    let heard = |at: u64| Report::Overheard {
        at_ns: after(at * MS).0,
        address: other.into(),
        mac: RIVAL.into(),
    };
    assert_eq!(bench.reports(), [heard(10), heard(2_010)]);
}

#[test]
fn host_of_a_foreign_cluster_is_asked_for_its_hardware_address() {
    let mut bench = with_arp();
    bench.at(10 * MS, datagram(5, CLUSTER + 1, &Message::Leave { group: group(1) }));
    let asked = Effect::Arp { mac: OWN_MAC, sender: own(), target: v4(address(5)) };
    assert!(bench.take().contains(&asked));
    bench.at(11 * MS, says(RIVAL, v4(address(5))));
    let at_ns = after(11 * MS).0;
    let mac = RIVAL.into();
    assert_eq!(bench.reports(), [Report::Overheard { at_ns, address: address(5), mac }]);
}

#[test]
fn who_makes_itself_known_to_everybody_does_so_by_arp_as_well() {
    let mut bench = with_arp();
    let to = Some(hats_wire::link::everybody(address(OWN)));
    bench.at(10 * MS, Input::Command(Command::Send { to, datagram: Vec::new() }));
    assert_eq!(questions(&bench.take()), 1);
}
