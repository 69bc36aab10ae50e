use hats_wire::Confidence;

use super::*;
use crate::diagnose::NO_THIRD_VOICE;

/// Begins a round about node 4 and gives what it asks for.
fn round(scene: &mut Scene, silent: bool) -> (Vec<Act>, Vec<(NodeId, ProbeRequest)>) {
    scene.missed(4, silent);
    if !silent {
        scene.run(detection().probe_timeout);
    }
    let acts = scene.acts();
    let asked = requests(&acts);
    (acts, asked)
}

/// Ends the round: everybody reaches all but node 4 on neta, which lives on netb.
fn all_but_four(scene: &mut Scene, acts: &[Act], asked: &[(NodeId, ProbeRequest)]) {
    let silent = member(4).address;
    scene.finish(acts, |_, target| target != silent);
    for (to, request) in asked {
        let from = u8::try_from(to.0).expect("small");
        if from == 4 {
            scene.result(from, request, &[]);
        } else {
            scene.result(from, request, &[3]);
        }
    }
}

fn fours_adapter() -> Conclusion {
    Conclusion::Adapter {
        culprit: Party::Suspect,
        cause: Cause::Both,
        confidence: Confidence::High,
    }
}

#[test]
fn late_neighbour_is_probed_once_before_others_are_asked() {
    let mut scene = Scene::of_five();
    scene.missed(4, false);
    let acts = scene.acts();
    let knocks: Vec<_> = probes(&acts).iter().map(|(at, it)| (*at, it.target, it.count)).collect();
    assert_eq!(knocks, [(NETA, member(4).address, 1)]);
    assert!(requests(&acts).is_empty());
    scene.run(detection().probe_timeout);
    assert!(!requests(&scene.acts()).is_empty());
}

#[test]
fn neighbour_that_is_heard_again_closes_its_case() {
    let mut scene = Scene::of_five();
    scene.missed(4, false);
    assert!(scene.arbiter.has_case(NETA, member(4).address));
    scene.arbiter.close(NETA, member(4).address);
    scene.acts();
    scene.run(ms(5_000));
    assert!(scene.acts().is_empty());
}

#[test]
fn three_are_asked_the_leader_first_and_the_suspect_itself() {
    let mut scene = Scene::new(3, &[1, 2, 3, 4, 5, 6, 7], &[NETA, NETB]);
    let (_, asked) = round(&mut scene, true);
    let names: Vec<u64> = asked.iter().map(|(to, _)| to.0).collect();
    assert_eq!(names, [7, 2, 1, 4], "the leader, and the next round the ring; 4 is the suspect");
}

#[test]
fn members_that_did_not_answer_the_reporter_are_asked_last() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene, true);
    let first = asked[0].0;
    let silent = member(u8::try_from(first.0).unwrap()).address;
    scene.finish(&acts, |_, target| target != silent && target != member(4).address);
    scene.run(ms(1_000));
    let again = requests(&scene.acts());
    let position = again.iter().position(|(to, _)| *to == first);
    assert!(!again.is_empty() && position != Some(0), "{again:?}");
}

#[test]
fn suspect_without_another_network_is_not_asked() {
    let mut scene = Scene::new(3, &[1, 2, 3, 4, 5], &[NETA]);
    let (acts, asked) = round(&mut scene, true);
    assert!(asked.iter().all(|(to, _)| *to != node(4)));
    let notices = letters(&acts, |it| matches!(it, Letter::ProbeNotice(_)).then_some(()));
    assert!(notices.is_empty(), "nor given notice");
}

#[test]
fn doomed_members_are_not_asked() {
    let mut scene = Scene::of_five();
    let now = scene.now;
    scene.networks[0].2.doom(now, member(5).address, Cause::NodeDown, "");
    let (_, asked) = round(&mut scene, true);
    assert!(asked.iter().all(|(to, _)| *to != node(5)), "{asked:?}");
}

#[test]
fn suspect_is_probed_on_all_its_networks_and_given_notice() {
    let mut scene = Scene::of_five();
    let (acts, _) = round(&mut scene, true);
    let targets: Vec<_> = probes(&acts).iter().map(|(at, it)| (*at, it.target, it.icmp)).collect();
    for network in [NETA, NETB] {
        assert!(targets.contains(&(network, on(network, 4).address, true)), "{targets:?}");
    }
    let notices = letters(&acts, |it| matches!(it, Letter::ProbeNotice(_)).then_some(()));
    assert_eq!(notices, [(node(4), ())]);
}

/// Whether a round begins while time passes.
fn begins_within(scene: &mut Scene, span: Duration) -> bool {
    scene.run(span);
    !requests(&scene.acts()).is_empty()
}

#[test]
fn the_next_round_ends_when_silence_is_established_and_none_comes_between() {
    let mut scene = Scene::of_five();
    // At 375 ms of silence; the round begins at 425 ms, and ends at 475 ms.
    let (acts, asked) = round(&mut scene, false);
    all_but_four(&mut scene, &acts, &asked);
    // It counts for two timeouts and an interval, until 925 ms: too short.
    assert!(!begins_within(&mut scene, ms(324)));
    assert!(begins_within(&mut scene, ms(2)), "two timeouts before 1 s");
}

#[test]
fn a_round_that_still_counts_when_silence_is_established_is_the_last_one() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene, false);
    scene.run(ms(98));
    all_but_four(&mut scene, &acts, &asked);
    assert!(!begins_within(&mut scene, ms(427)));
    scene.missed(4, true);
    let acts = scene.acts();
    assert_eq!(concluded(&acts).len(), 1);
    assert!(requests(&acts).is_empty());
}

#[test]
fn a_round_that_no_arbiter_answered_is_followed_by_another_at_once() {
    let mut scene = Scene::of_five();
    let (acts, _) = round(&mut scene, false);
    let silent = member(4).address;
    scene.finish(&acts, |_, target| target != silent);
    assert!(begins_within(&mut scene, ms(200)));
}

#[test]
fn no_conclusion_comes_before_silence_is_established() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene, false);
    all_but_four(&mut scene, &acts, &asked);
    assert!(concluded(&scene.acts()).is_empty());
}

#[test]
fn conclusion_comes_with_the_silence_when_the_evidence_is_in() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene, false);
    all_but_four(&mut scene, &acts, &asked);
    scene.acts();
    scene.missed(4, true);
    let said = concluded(&scene.acts());
    assert_eq!(said.len(), 1);
    assert_eq!((&said[0].conclusion, said[0].tries), (&fours_adapter(), 0));
    assert_eq!(said[0].silent.suspect, member(4));
    let arbiters = &said[0].silent.arbiters;
    assert!(!arbiters.is_empty() && !arbiters.contains(&member(4).node.clone()), "{arbiters:?}");
}

#[test]
fn round_ends_at_its_time_without_those_that_do_not_answer() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene, true);
    let silent = member(4).address;
    scene.finish(&acts, |_, target| target != silent);
    let (_, request) = &asked[0];
    scene.result(5, request, &[3]);
    scene.result(4, request, &[]);
    assert!(concluded(&scene.acts()).is_empty(), "others may still answer");
    scene.run(detection().probe_timeout * 3 / 2);
    let said = concluded(&scene.acts());
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].silent.arbiters, [member(5).node.clone()]);
}

#[test]
fn probes_that_are_not_over_are_waited_for_and_are_no_evidence() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene, true);
    scene.result(5, &asked[0].1, &[3]);
    scene.result(4, &asked[0].1, &[]);
    scene.run(detection().probe_timeout * 2);
    assert!(concluded(&scene.acts()).is_empty(), "our own NIM has not said anything");
    let silent = member(4).address;
    scene.finish(&acts, |_, target| target != silent);
    let said = concluded(&scene.acts());
    assert_eq!(said.len(), 1, "at once, when it has");
}

#[test]
fn a_probe_that_was_never_sent_is_no_evidence() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene, true);
    let refused =
        probes(&acts).into_iter().find(|(at, it)| *at == NETA && it.target == member(4).address);
    let (_, refused) = refused.expect("the suspect is probed");
    let done = ProbeDone {
        id: refused.id,
        at_ns: scene.now.0,
        sent: 0,
        received: 0,
        rtt_ns: 0,
        icmp_sent: 0,
        icmp_received: 0,
        stalled: false,
        heard: 0,
    };
    scene.with(|arbiter, now, around| arbiter.probe_done(now, &done, around));
    let silent = member(4).address;
    scene.finish(&acts, |_, target| target != silent);
    scene.result(5, &asked[0].1, &[3]);
    scene.run(detection().probe_timeout * 3 / 2);
    for said in concluded(&scene.acts()) {
        let own = said.silent.observations.iter().filter(|o| o.prober_is_reporter);
        assert!(own.clone().all(|o| o.target_address != silent || o.network != "neta"));
    }
}

#[test]
fn findings_of_those_not_asked_or_of_another_round_are_ignored() {
    let mut scene = Scene::new(3, &[1, 2, 3, 4, 5, 6, 7], &[NETA, NETB]);
    let (acts, asked) = round(&mut scene, true);
    let silent = member(4).address;
    scene.finish(&acts, |_, target| target != silent);
    let request = asked[0].1.clone();
    scene.result(6, &request, &[3, 4]);
    scene.result(7, &ProbeRequest { round: 9, ..request.clone() }, &[3, 4]);
    scene.result(7, &ProbeRequest { case: CaseId(1), ..request }, &[3, 4]);
    scene.run(detection().probe_timeout * 3 / 2);
    for said in concluded(&scene.acts()) {
        assert!(said.silent.arbiters.is_empty(), "{said:?}");
    }
}

#[test]
fn report_goes_on_to_the_next_in_rank_until_it_is_acknowledged() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene, true);
    all_but_four(&mut scene, &acts, &asked);
    let first = concluded(&scene.acts());
    scene.run(detection().heartbeat_interval);
    let again = scene.acts();
    let tries: Vec<u32> = concluded(&again).iter().map(|it| it.tries).collect();
    assert_eq!(tries, [1, 2], "one more each half interval");
    let suspicions = again.iter().filter(|act| matches!(act, Act::Suspicion { .. })).count();
    assert_eq!(suspicions, 1, "said once, with the first repetition");
    let name = first[0].silent.case_name.clone();
    scene.with(|arbiter, now, _| arbiter.acknowledged(now, &name));
    scene.run(detection().detection_time() - ms(1));
    assert!(concluded(&scene.acts()).is_empty());
    scene.run(ms(1));
    assert_eq!(concluded(&scene.acts()).len(), 1, "no verdict came of it");
}

#[test]
fn node_that_was_late_does_not_judge_for_a_detection_time() {
    let mut scene = Scene::of_five();
    scene.with(|arbiter, now, _| arbiter.abstain(now));
    let (acts, asked) = round(&mut scene, true);
    all_but_four(&mut scene, &acts, &asked);
    assert!(concluded(&scene.acts()).is_empty());
    scene.run(detection().detection_time() - ms(1));
    assert!(concluded(&scene.acts()).is_empty());
}

#[test]
fn reference_targets_are_asked_by_icmp_when_there_is_nobody_else() {
    let mut scene = Scene::new(3, &[3, 4], &[NETA]);
    scene.references = vec![member(254).address];
    scene.missed(4, true);
    let acts = scene.acts();
    let reference: Vec<_> =
        probes(&acts).into_iter().filter(|(_, it)| it.target == member(254).address).collect();
    assert!(reference.len() == 1 && reference[0].1.icmp_only, "{reference:?}");
    scene.finish(&acts, |_, target| target == member(254).address);
    let said = concluded(&scene.acts());
    assert!(said[0].conclusion.blames_suspect(), "{said:?}");
}

#[test]
fn reference_targets_are_asked_too_once_no_arbiter_has_answered() {
    let mut scene = Scene::of_five();
    scene.references = vec![member(254).address];
    let to_reference = |acts: &[Act]| {
        probes(acts).iter().filter(|(_, it)| it.target == member(254).address).count()
    };
    let (acts, _) = round(&mut scene, true);
    assert_eq!(to_reference(&acts), 0);
    scene.finish(&acts, |_, _| false);
    scene.run(ms(1_000));
    assert!(to_reference(&scene.acts()) > 0);
}

#[test]
fn nobody_to_ask_is_inconclusive_and_only_after_a_second_round() {
    let mut scene = Scene::new(3, &[3, 4], &[NETA]);
    let mut rounds = 0;
    scene.missed(4, true);
    let said = loop {
        let acts = scene.acts();
        rounds += usize::from(!probes(&acts).is_empty());
        if let Some(said) = concluded(&acts).pop() {
            break said;
        }
        assert!(rounds < 20, "no conclusion");
        scene.finish(&acts, |_, _| false);
        scene.run(ms(50));
    };
    assert_eq!(said.conclusion, Conclusion::Inconclusive { missing: NO_THIRD_VOICE });
    assert!(rounds >= 2, "{rounds} rounds");
}

#[test]
fn suspect_that_answers_is_compared_with_and_not_reported() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene, true);
    scene.finish(&acts, |_, _| true);
    for (to, request) in &asked {
        scene.result(u8::try_from(to.0).expect("small"), request, &[3, 4]);
    }
    let acts = scene.acts();
    assert!(concluded(&acts).is_empty());
    assert!(acts.iter().any(|act| matches!(act, Act::Compare { .. })), "{acts:?}");
}

#[test]
fn patrol_that_the_suspect_answers_is_forgotten() {
    let mut scene = Scene::of_five();
    scene
        .with(|arbiter, now, around| arbiter.unanswered(now, NETA, member(1).address, now, around));
    scene.run(detection().probe_timeout);
    let acts = scene.acts();
    scene.finish(&acts, |_, _| true);
    for (to, request) in requests(&acts) {
        scene.result(u8::try_from(to.0).expect("small"), &request, &[3, 1]);
    }
    assert!(!scene.arbiter.has_case(NETA, member(1).address));
}

#[test]
fn silence_about_one_that_is_no_member_is_no_case() {
    let mut scene = Scene::of_five();
    scene.missed(77, true);
    assert!(scene.acts().is_empty() && !scene.arbiter.has_case(NETA, member(77).address));
}

#[test]
fn cases_of_two_runs_of_a_daemon_have_different_numbers() {
    let first = |run| {
        let mut scene = Scene::of_five();
        scene.arbiter = Arbiter::new(node(3), run, "n3", "n3".into(), &detection());
        scene.missed(4, true);
        requests(&scene.acts())[0].1.case
    };
    assert_ne!(first(1), first(2));
}

#[test]
fn survey_finds_whom_this_node_reaches() {
    let mut scene = Scene::of_five();
    let (acts, asked) = round(&mut scene, true);
    all_but_four(&mut scene, &acts, &asked);
    let silent = concluded(&scene.acts()).remove(0).silent;
    scene.with(|arbiter, now, around| arbiter.survey(now, silent, around));
    let acts = scene.acts();
    assert_eq!(probes(&acts).len(), 4, "all members but itself");
    let near = [member(1).address, member(2).address];
    scene.finish(&acts, |_, target| near.contains(&target));
    let found = scene.acts().into_iter().find_map(|act| {
        let Act::Surveyed { reached, .. } = act else { return None };
        Some(reached)
    });
    assert_eq!(found, Some(BTreeSet::from(near)));
}
