use super::*;

/// Node 1 misses node 4, and asks.
fn request(number: u64) -> ProbeRequest {
    ProbeRequest {
        case: CaseId::new(node(1), number),
        round: 1,
        network: "neta".into(),
        reporter: member(1),
        suspect: member(4),
        timeout_us: 100_000,
        brief: false,
        doubts_itself: false,
    }
}

fn ask(scene: &mut Scene, request: ProbeRequest) -> Vec<Act> {
    scene.with(|arbiter, now, around| arbiter.asked(now, node(1), request, around));
    scene.acts()
}

fn notice(prober: u8, target: u8) -> ProbeNotice {
    ProbeNotice {
        case: CaseId::new(node(1), 1),
        round: 1,
        network: "neta".into(),
        prober: member(prober).address,
        target: member(target).address,
        timeout_us: 100_000,
        brief: false,
    }
}

fn give_notice(scene: &mut Scene, from: u8) {
    let notice = notice(from, scene.me);
    scene.with(|arbiter, _, around| arbiter.noticed(node(from), notice, around));
}

#[test]
fn arbiter_probes_both_parties_on_the_network_in_question() {
    let mut scene = Scene::of_five();
    let acts = ask(&mut scene, request(1));
    let targets: Vec<IpAddr> =
        probes(&acts).iter().filter(|(at, _)| *at == NETA).map(|(_, it)| it.target).collect();
    assert_eq!(targets[..2], [member(4).address, member(1).address]);
}

/// In a network of many that falls apart its own side may be a few, neither its
/// neighbours nor any of those that it would ask anyway.
#[test]
fn suspect_looks_for_company_among_those_it_has_just_heard() {
    let names: Vec<u8> = (1..=40).collect();
    let mut scene = Scene::new(4, &names, &[NETA, NETB]);
    let interval = detection().heartbeat_interval;
    let just_now = Timestamp(scene.now.0 - 1);
    scene.speakers.note(just_now, member(33).address, interval);
    let acts = ask(&mut scene, request(1));
    let asked = |acts: &[Act], who: u8| {
        probes(acts).iter().any(|(at, it)| *at == NETA && it.target == member(who).address)
    };
    assert!(asked(&acts, 33), "it has just spoken");
    assert!(!asked(&acts, 34), "one of many that have not");
}

#[test]
fn arbiter_answers_at_once_when_all_probes_were_answered() {
    let mut scene = Scene::of_five();
    let acts = ask(&mut scene, request(1));
    scene.finish(&acts, |_, _| true);
    let said = results(&scene.acts());
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].0, node(1));
    let on_neta = said[0].1.observations.iter().filter(|o| o.network == "neta");
    let reached: Vec<IpAddr> =
        on_neta.filter(|o| o.received > 0).map(|o| o.target_address).collect();
    assert!(reached.contains(&member(4).address) && reached.contains(&member(1).address));
}

#[test]
fn arbiter_waits_a_little_for_what_silent_targets_say_over_another_network() {
    let mut scene = Scene::of_five();
    let acts = ask(&mut scene, request(1));
    scene.finish(&acts, |_, target| target != member(4).address);
    assert!(results(&scene.acts()).is_empty());
    let seen = ProbeSeen {
        case: CaseId::new(node(1), 1),
        round: 1,
        network: "neta".into(),
        prober: member(3).address,
        target: member(4).address,
        count: 2,
        fact: None,
    };
    scene.arbiter.seen(&seen);
    scene.run(detection().probe_timeout / 4);
    let said = results(&scene.acts());
    let of_four = said[0].1.observations.iter().find(|o| o.target_address == member(4).address);
    let of_four = of_four.expect("it was probed");
    assert_eq!((of_four.seen_by_target, of_four.elsewhere), (Some(2), Some(true)));
}

#[test]
fn arbiter_answers_in_time_even_when_its_nim_does_not() {
    let mut scene = Scene::of_five();
    ask(&mut scene, request(1));
    scene.run(detection().probe_timeout * 5 / 4);
    assert_eq!(results(&scene.acts()).len(), 1);
    assert_eq!(scene.arbiter.next_deadline(), None, "and is done with it");
}

#[test]
fn request_that_comes_over_two_networks_is_served_once() {
    let mut scene = Scene::of_five();
    assert!(!probes(&ask(&mut scene, request(1))).is_empty());
    assert!(probes(&ask(&mut scene, request(1))).is_empty());
    assert!(!probes(&ask(&mut scene, ProbeRequest { round: 2, ..request(1) })).is_empty());
    scene.run(detection().probe_timeout * 2);
    assert_eq!(results(&scene.acts()).len(), 2, "one for each round");
}

#[test]
fn suspect_that_is_asked_says_whom_it_reaches_itself() {
    let mut scene = Scene::of_five();
    let acts = ask(&mut scene, ProbeRequest { suspect: member(3), ..request(1) });
    let targets: BTreeSet<IpAddr> = probes(&acts).iter().map(|(_, it)| it.target).collect();
    assert!(targets.contains(&member(1).address), "the reporter");
    assert!(targets.contains(&member(2).address) && targets.contains(&member(4).address));
    assert!(!targets.contains(&member(3).address));
}

#[test]
fn suspects_word_waits_for_a_nim_that_has_told_a_part_of_it() {
    let suspected = || ProbeRequest { suspect: member(3), ..request(1) };
    let patience = detection().probe_timeout * 5 / 4;
    let mut scene = Scene::of_five();
    let acts = ask(&mut scene, suspected());
    let (first, rest) = acts.split_at(1);
    scene.finish(first, |_, _| false);
    scene.run(patience);
    assert!(results(&scene.acts()).is_empty(), "the others may be its company");
    scene.finish(rest, |_, target| target == member(2).address);
    let said = results(&scene.acts());
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].1.observations.len(), acts.len());
    let mut scene = Scene::of_five();
    ask(&mut scene, suspected());
    scene.run(patience);
    assert_eq!(results(&scene.acts()).len(), 1, "a NIM that tells nothing is not waited for");
}

#[test]
fn members_that_several_ask_after_are_probed_once() {
    let company = |acts: &[Act]| probes(acts).iter().filter(|(_, it)| !it.icmp).count();
    let mut scene = Scene::of_five();
    let first = ask(&mut scene, request(1));
    let second = ask(&mut scene, request(2));
    assert!(company(&first) > 0);
    assert_eq!(company(&second), 0);
    scene.finish(&first, |_, _| true);
    scene.finish(&second, |_, _| true);
    let said = results(&scene.acts());
    assert_eq!(said.len(), 2);
    assert_eq!(said[0].1.observations.len(), said[1].1.observations.len());
    scene.run(detection().probe_timeout);
    assert!(company(&ask(&mut scene, request(3))) > 0, "what is over says nothing of later");
}

#[test]
fn arbiter_abstains_when_it_was_late_or_is_not_on_the_network() {
    let mut late = Scene::of_five();
    late.with(|arbiter, now, _| arbiter.abstain(now));
    let mut away = Scene::of_five();
    away.fault = Some(Cause::LinkDown);
    for mut scene in [late, away] {
        let acts = ask(&mut scene, request(1));
        let said = results(&acts);
        assert!(said[0].1.abstains && said[0].1.observations.is_empty() && acts.len() == 1);
    }
    let mut scene = Scene::of_five();
    let elsewhere = ProbeRequest { network: "netz".into(), ..request(1) };
    assert!(results(&ask(&mut scene, elsewhere))[0].1.abstains);
}

#[test]
fn arbiter_serves_only_so_many_at_one_time() {
    let mut scene = Scene::of_five();
    for number in 0..ASKED_MAX as u64 {
        assert!(results(&ask(&mut scene, request(number))).is_empty());
    }
    let one_more = request(ASKED_MAX as u64);
    assert!(results(&ask(&mut scene, one_more.clone()))[0].1.abstains);
    scene.run(detection().probe_timeout * 5 / 4);
    scene.acts();
    assert!(results(&ask(&mut scene, one_more)).is_empty(), "it serves again");
}

#[test]
fn target_tells_what_arrived_whatever_comes_first() {
    let case = notice(1, 3).case.in_round(1);
    for notice_first in [true, false] {
        let mut scene = Scene::of_five();
        if notice_first {
            give_notice(&mut scene, 1);
        }
        scene.arbiter.probe_seen(NETA, member(1).address, case);
        scene.arbiter.probe_seen(NETA, member(1).address, case);
        if !notice_first {
            assert!(seens(&scene.acts()).is_empty(), "nobody asked yet");
            give_notice(&mut scene, 1);
        }
        let said = seens(&scene.acts());
        assert_eq!(said.last().map(|(to, seen)| (*to, seen.count)), Some((node(1), 2)));
    }
}

#[test]
fn target_probes_back_once_so_that_its_sending_shows() {
    let mut scene = Scene::of_five();
    give_notice(&mut scene, 1);
    give_notice(&mut scene, 1);
    let back: Vec<_> = probes(&scene.acts()).iter().map(|(at, it)| (*at, it.target)).collect();
    assert_eq!(back, [(NETA, member(1).address)]);
}

#[test]
fn target_that_knows_what_is_wrong_says_so_and_does_not_probe() {
    let mut scene = Scene::of_five();
    scene.fault = Some(Cause::LinkDown);
    give_notice(&mut scene, 1);
    let acts = scene.acts();
    assert!(probes(&acts).is_empty());
    assert_eq!(seens(&acts)[0].1.fact, Some(Cause::LinkDown));
}

#[test]
fn notice_about_an_adapter_of_another_node_is_ignored() {
    let mut scene = Scene::of_five();
    let stray = notice(1, 2);
    scene.with(|arbiter, _, around| arbiter.noticed(node(1), stray, around));
    assert!(scene.acts().is_empty());
}

#[test]
fn memory_of_arrivals_is_bounded() {
    let mut scene = Scene::of_five();
    for number in 0..NOTICES_MAX as u64 * 3 {
        scene.arbiter.probe_seen(NETA, member(1).address, CaseId(number << 8));
    }
    assert_eq!(scene.arbiter.arrived.len(), NOTICES_MAX);
    assert_eq!(scene.arbiter.arrived_order.len(), NOTICES_MAX);
}
