//! The reporter's part: from the first late heartbeat to the report.

use alloc::{boxed::Box, format};

use hats_wire::GroupId;

use super::{
    case::{
        Case, Concluded, Lacks, PATIENCE, ROUNDS_UNCLEAR, ROUNDS_UNDIRECTED, ROUNDS_UNHEARD,
        ROUNDS_UNSPOKEN, Round, Stage, Usual,
    },
    choose::{arbiters, company, strays},
    late::Lateness,
    *,
};

impl Arbiter {
    /// A watched neighbour is late, or silent.
    pub(crate) fn missed(
        &mut self,
        now: Timestamp,
        adapter: AdapterIndex,
        address: IpAddr,
        missed: Missed,
        around: &Surroundings,
    ) {
        let Missed { last_heard, silent, steady } = missed;
        let key = (adapter, address);
        if let Some(case) = self.cases.get_mut(&key) {
            if silent && matches!(case.stage, Stage::Knocking { .. }) {
                case.stage = Stage::Resting { until: now };
            }
            case.silent |= silent;
            case.last_heard = last_heard;
            self.wake_cases(now, around);
            self.settle_cases(now, around);
            return;
        }
        if self.cases.len() >= CASES_MAX {
            return;
        }
        let Some(place) = around.place(adapter).copied() else { return };
        let Some(view) = place.group.view() else { return };
        let Some(suspect) = view.members.get(address).cloned() else { return };
        if view.failed_paths.contains(&hats_wire::Pair::new(place.me.address, address)) {
            // That is known; what was under way comes too late.
            return;
        }
        self.next_case += 1;
        let id = CaseId::new(self.me, self.next_case);
        let stage = if silent {
            Stage::Resting { until: now }
        } else {
            let mut unnoted = Probing::waiting(self.probe_timeout);
            let ask = Ask { case: id, count: 1, icmp: false, as_reporter: true, elsewhere: None };
            self.probe(&mut unnoted, &place, &suspect, ask);
            Stage::Knocking { until: now + self.knock }
        };
        let late = self.was_late(now, &suspect.node);
        let case = Case {
            id,
            name: self.case_name(),
            adapter,
            network: place.network.to_string(),
            suspect,
            reporter: place.me.clone(),
            group: view.id,
            last_heard,
            silent,
            steady,
            goodbye: false,
            silent_at: None,
            round: 0,
            stage,
            found: None,
            patrolled: false,
            strays: BTreeSet::new(),
            lossy: false,
            agreed: 0,
            lost: [0; 2],
            lacks: Lacks::default(),
            adapters: 1,
            compared: 0,
            late: Lateness::of_one(late),
        };
        self.cases.insert(key, case);
        self.wake_cases(now, around);
    }

    /// A watched neighbour's NIM says that its daemon is gone.
    pub(crate) fn goodbye(
        &mut self,
        now: Timestamp,
        adapter: AdapterIndex,
        address: IpAddr,
        around: &Surroundings,
    ) {
        self.missed(now, adapter, address, Missed::silent_since(now), around);
        if let Some(case) = self.cases.get_mut(&(adapter, address)) {
            case.goodbye = true;
        }
    }

    /// A member does not answer this node's patrol, or its PREPARE: a case, unless
    /// it is one already. Silence is established when it has lasted for a
    /// detection time `since` then.
    pub(crate) fn unanswered(
        &mut self,
        now: Timestamp,
        adapter: AdapterIndex,
        address: IpAddr,
        since: Timestamp,
        around: &Surroundings,
    ) {
        if self.cases.contains_key(&(adapter, address)) {
            return;
        }
        self.missed(now, adapter, address, Missed::late_since(since), around);
        if let Some(case) = self.cases.get_mut(&(adapter, address)) {
            case.patrolled = true;
            case.silent_at = Some(since + self.detection_time);
        }
    }

    /// The members that this adapter has cases about.
    pub(crate) fn suspects(&self, adapter: AdapterIndex) -> BTreeSet<IpAddr> {
        let all = (adapter, IpAddr::from([0, 0, 0, 0]))..;
        let its = self.cases.range(all).take_while(|((of, _), _)| *of == adapter);
        its.map(|((_, address), _)| *address).collect()
    }

    /// The suspect is still there, and missed, long after its case was decided: it is
    /// another one.
    pub(crate) fn ask_anew(&mut self, now: Timestamp, adapter: AdapterIndex, suspect: IpAddr) {
        self.next_case += 1;
        let id = CaseId::new(self.me, self.next_case);
        let name = self.case_name();
        if let Some(case) = self.cases.get_mut(&(adapter, suspect)) {
            case.id = id;
            case.name = name;
            case.round = 0;
            case.steady = false;
            case.compared = 0;
            case.begin_anew(now);
        }
    }

    fn case_name(&self) -> String {
        format!("{}-{}", self.case_prefix, self.next_case - self.first_case)
    }

    /// Whether this node has a case about this member.
    pub(crate) fn has_case(&self, adapter: AdapterIndex, address: IpAddr) -> bool {
        self.cases.contains_key(&(adapter, address))
    }

    /// The neighbour is heard again, is gone from the group, or has been judged.
    pub(crate) fn close(&mut self, adapter: AdapterIndex, address: IpAddr) {
        self.cases.remove(&(adapter, address));
        // Some may have waited for what that one would tell.
        for case in self.cases.values_mut().filter(|case| case.adapter == adapter) {
            case.wait_no_longer();
        }
    }

    /// Closes the cases of an adapter whose group does not list the suspect
    /// any more, or that cannot judge.
    pub(crate) fn close_all(&mut self, adapter: AdapterIndex, keep: impl Fn(IpAddr) -> bool) {
        self.cases.retain(|(of, address), _| *of != adapter || keep(*address));
    }

    /// Begins anew with the cases of an adapter about those that `fresh` says
    /// have just come together with it: what was found before says nothing of now.
    pub(crate) fn begin_anew(
        &mut self,
        now: Timestamp,
        adapter: AdapterIndex,
        group: GroupId,
        fresh: impl Fn(IpAddr) -> bool,
    ) {
        let mine = self.cases.iter_mut().filter(|((of, _), _)| *of == adapter);
        for (_, case) in mine.filter(|((_, address), _)| fresh(*address)) {
            case.group = group;
            case.begin_anew(now);
        }
    }

    /// Closes the cases of neighbours that the ring no longer has this adapter
    /// watch: nothing would end them.
    pub(crate) fn close_unwatched(&mut self, adapter: AdapterIndex, watched: &[IpAddr]) {
        self.cases.retain(|(of, address), case| {
            *of != adapter || case.patrolled || watched.contains(address)
        });
    }

    /// An arbiter's findings.
    pub(crate) fn result(
        &mut self,
        now: Timestamp,
        from: NodeId,
        result: ProbeResult,
        around: &Surroundings,
    ) {
        let usual = self.probe_timeout;
        let mut late = Vec::new();
        for case in self.cases.values_mut().filter(|case| case.id == result.case) {
            match &mut case.stage {
                Stage::Round(round) if case.round == result.round => {
                    if round.asked.iter().any(|member| member.node_id == from) {
                        let observations =
                            if result.abstains { Vec::new() } else { result.observations.clone() };
                        round.results.insert(from, observations);
                    }
                }
                Stage::Round(_)
                | Stage::Knocking { .. }
                | Stage::Resting { .. }
                | Stage::Reported { .. } => {
                    late.extend(case.late_result(now, from, &result, usual));
                }
            }
        }
        self.are_late(now, late);
        self.look_answered(now, &result, around);
        self.settle_cases(now, around);
    }

    /// The one it was reported to has it: no need to say it again soon.
    pub(crate) fn acknowledged(&mut self, now: Timestamp, case_name: &str) {
        let wait = self.detection_time;
        for case in self.cases.values_mut().filter(|case| case.name == case_name) {
            if let Stage::Reported { again_at, .. } = &mut case.stage {
                *again_at = now + wait;
            }
        }
    }

    pub(super) fn wake_cases(&mut self, now: Timestamp, around: &Surroundings) {
        // Rounds that are over tell the cases that wait for them.
        let usual = self.usual();
        for case in self.cases.values_mut() {
            case.settle(now, usual);
        }
        let due: Vec<_> = self
            .cases
            .iter()
            .filter(|(_, case)| case.next_deadline().is_some_and(|at| now >= at))
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            let Some(mut case) = self.cases.remove(&key) else { continue };
            match case.stage {
                Stage::Round(_) => {}
                Stage::Resting { .. } | Stage::Knocking { .. } => {
                    match self.waits_for_another(now, &case) {
                        Some(until) => case.stage = Stage::Resting { until },
                        None => self.begin_round(now, &mut case, around),
                    }
                }
                // The world may have changed since.
                Stage::Reported { .. } if case.is_old(now, self.detection_time * 2) => {
                    self.begin_round(now, &mut case, around);
                }
                Stage::Reported { tries, .. } => self.report(now, &mut case, tries + 1),
            }
            self.cases.insert(key, case);
        }
        self.settle_cases(now, around);
    }

    /// Whoever misses two at once may be the one itself: the first case will tell. So
    /// long the next one, which would ask the same nodes the same, waits.
    fn waits_for_another(&self, now: Timestamp, case: &Case) -> Option<Timestamp> {
        if case.round > 0 || !case.steady {
            return None;
        }
        let other = |it: &&Case| it.adapter == case.adapter && it.id != case.id;
        let others = self.cases.values().filter(other);
        let until = others.filter_map(|other| other.tells_of_reporter(now, self.interval)).max();
        until.filter(|until| *until > now)
    }

    /// Whether the adapter misses all that it watches.
    fn misses_all(&self, adapter: AdapterIndex, suspect: IpAddr, place: &Place) -> bool {
        let watched = place.group.neighbours().watch;
        let missed =
            |address: &IpAddr| *address == suspect || self.cases.contains_key(&(adapter, *address));
        watched.iter().all(missed)
    }

    fn begin_round(&mut self, now: Timestamp, case: &mut Case, around: &Surroundings) {
        let Some(place) = around.place(case.adapter) else { return };
        case.round += 1;
        case.adapters = 1 + around.well_elsewhere(case.suspect.node_id, place.network);
        let patient = case.late.seen;
        let wait = if patient { self.patience() } else { self.probe_timeout };
        let asked = arbiters(place, &case.suspect, |it| {
            case.strays.contains(&it.address) || self.was_late(now, &it.node)
        });
        let brief = case.may_be_brief() && !patient && !asked.is_empty();
        let doubts_itself = case.found_itself_at_fault()
            || self.misses_all(case.adapter, case.suspect.address, place);
        // Letters are late as well.
        let deadline = now + if patient { wait * 2 } else { wait * 3 / 2 };
        let mut round = Round {
            started: now,
            patient,
            deadline,
            wake_at: deadline,
            last_call: (now + self.probe_timeout * LAST_CALL).max(deadline),
            probing: Probing::waiting(wait).brief(brief),
            asked,
            results: BTreeMap::new(),
            failed: place.group.failed_paths(),
            doubts_itself,
        };
        let id = (case.id, case.round);
        self.probe_suspect(&mut round.probing, place, &case.suspect, id, true, around);
        let alone = round.asked.is_empty();
        // Who is silent, too, may be with the suspect, on another side.
        let tag = case.id.in_round(case.round);
        let ask = Ask { case: tag, count: 2, icmp: false, as_reporter: true, elsewhere: None };
        for stray in strays(place, &case.strays, around) {
            for (other, member) in &around.elsewhere(stray.node_id, place.network) {
                self.probe_company(now, &mut round.probing, other, member, ask);
            }
            if round.asked.iter().all(|member| member.node_id != stray.node_id) {
                round.asked.push(stray);
            }
        }
        let company = if brief && !doubts_itself {
            round.asked.clone()
        } else {
            company(place, self.interval, &case.suspect, &round.asked, around)
        };
        for member in company {
            self.probe_company(now, &mut round.probing, place, &member, ask);
        }
        if around.is_elsewhere(case.suspect.node_id, place.network) {
            round.asked.push(case.suspect.clone());
        }
        for arbiter in &round.asked {
            self.acts.push(Act::Letter {
                to: arbiter.node_id,
                about: case.network.clone(),
                letter: Letter::ProbeRequest(ProbeRequest {
                    case: case.id,
                    round: case.round,
                    network: case.network.clone(),
                    reporter: case.reporter.clone(),
                    suspect: case.suspect.clone(),
                    timeout_us: nanos(wait) / 1_000,
                    brief,
                    doubts_itself,
                }),
                once: case.round == 1 || brief,
            });
        }
        if alone || case.lacks.unanswered > 0 {
            let ask = Ask {
                case: case.id,
                count: PROBES,
                icmp: true,
                as_reporter: true,
                elsewhere: None,
            };
            self.probe_references(&mut round.probing, place, ask);
        }
        case.stage = Stage::Round(round);
    }

    /// Ends rounds that are complete, and concludes cases that are silent.
    pub(super) fn settle_cases(&mut self, now: Timestamp, around: &Surroundings) {
        let usual = self.usual();
        let keys: Vec<_> = self.cases.keys().copied().collect();
        for key in keys {
            let Some(mut case) = self.cases.remove(&key) else { continue };
            case.settle(now, usual);
            if case.silent_at.is_some_and(|at| now >= at) {
                case.silent_at = None;
                case.silent = true;
            }
            if case.patrolled
                && matches!(&case.found, Some(found) if found.conclusion == Conclusion::Alive)
            {
                continue;
            }
            if case.silent {
                self.conclude(now, &mut case, around);
            }
            self.cases.insert(key, case);
        }
        let waits = |case: &Case| self.waits_for_another(now, case).is_some();
        let free = self.cases.iter().filter(|(_, case)| case.is_waiting() && !waits(case));
        let free: Vec<_> = free.map(|(key, _)| *key).collect();
        for key in free {
            if let Some(case) = self.cases.get_mut(&key) {
                case.wait_no_longer();
            }
        }
    }

    fn usual(&self) -> Usual {
        Usual {
            interval: self.interval,
            detection_time: self.detection_time,
            probe_timeout: self.probe_timeout,
            lease: self.lease,
        }
    }

    fn conclude(&mut self, now: Timestamp, case: &mut Case, around: &Surroundings) {
        if matches!(case.stage, Stage::Reported { .. }) || now < self.abstain_until {
            return;
        }
        let Some(found) = &case.found else { return };
        let running = matches!(case.stage, Stage::Round(_));
        match &found.conclusion {
            Conclusion::Alive => {
                if running {
                    return;
                }
                if now > found.completed + self.interval {
                    self.begin_round(now, case, around);
                    return;
                }
                // Once for each round: this is looked at whenever anything comes.
                if core::mem::replace(&mut case.compared, case.round) == case.round {
                    return;
                }
                case.stage = Stage::Resting { until: now + self.detection_time };
                let (adapter, neighbour) = (case.adapter, case.suspect.address);
                self.acts.push(Act::Compare { adapter, neighbour });
            }
            Conclusion::Fact(_) => self.report(now, case, 0),
            // Somebody is late: only a round that has waited for it counts.
            _ if case.late.seen && !found.patient => {
                if !running {
                    self.begin_round(now, case, around);
                }
            }
            _ if (1..ROUNDS_UNCLEAR).contains(&case.lacks.unclear) => {
                if !running {
                    self.begin_round(now, case, around);
                }
            }
            _ if let Some(until) = case.patience(found, self.lease)
                && (now < until || !found.is_fresh(until, Duration::ZERO)) =>
            {
                if !running {
                    let pause = if case.goodbye { self.interval } else { PATIENCE / 10 };
                    let next = found.next_round(until, pause);
                    case.stage = Stage::Resting { until: now.max(next) };
                }
            }
            // What was so then may be over.
            _ if !found.is_fresh(now, self.interval) => {
                if !running {
                    self.begin_round(now, case, around);
                }
            }
            // Such a look does not do for this.
            _ if !found.is_thorough() => {
                if !running {
                    self.begin_round(now, case, around);
                }
            }
            // Nobody answered the first time: once more, and ask the targets.
            Conclusion::Inconclusive { .. } if case.round < 2 => {
                if !running {
                    self.begin_round(now, case, around);
                }
            }
            // Which way it fails is not known yet.
            _ if (1..ROUNDS_UNDIRECTED).contains(&case.lacks.undirected) => {
                if !running {
                    self.begin_round(now, case, around);
                }
            }
            // Nor is a path given up on a round in which it was healed.
            _ if case.may_be_chance(found) => {
                if !running {
                    self.begin_round(now, case, around);
                }
            }
            // It may be with others that are silent, or reach somebody itself.
            _ if self.may_have_company(case, &found.conclusion, around) => {
                if !running {
                    self.begin_round(now, case, around);
                }
            }
            // Arbiters were asked and none answered: they may be late themselves.
            _ if (1..case.rounds_unanswered(found)).contains(&case.lacks.unanswered) => {
                if !running {
                    self.begin_round(now, case, around);
                }
            }
            Conclusion::Adapter { .. }
            | Conclusion::Path { .. }
            | Conclusion::Partition { .. }
            | Conclusion::Network
            | Conclusion::Node { .. }
            | Conclusion::Daemon
            | Conclusion::Inconclusive { .. } => {
                self.report(now, case, 0);
            }
        }
    }

    /// Whether the suspect may reach somebody yet, who would say so.
    fn may_have_company(
        &self,
        case: &Case,
        conclusion: &Conclusion,
        around: &Surroundings,
    ) -> bool {
        let silent = || {
            let place = around.place(case.adapter);
            place.is_some_and(|place| !strays(place, &case.strays, around).is_empty())
        };
        let lacks = &case.lacks;
        let unheard = matches!(conclusion, Conclusion::Adapter { .. })
            && (1..ROUNDS_UNHEARD).contains(&lacks.unheard);
        let unspoken = matches!(conclusion, Conclusion::Node { cause: Cause::Unreachable, .. })
            && (1..ROUNDS_UNSPOKEN).contains(&lacks.unspoken);
        let unasked = (1..ROUNDS_UNHEARD).contains(&lacks.unasked);
        conclusion.blames_suspect() && (unheard || ((unspoken || unasked) && silent()))
    }

    fn report(&mut self, now: Timestamp, case: &mut Case, tries: u32) {
        let (Some(silent), Some(found)) = (case.silent_report(now), &case.found) else { return };
        // A judge may be late as well: the next one would judge the same.
        let usual = self.probe_timeout.max(self.interval / 2);
        let again_at = now + if found.patient { self.patience() } else { usual };
        // Where somebody late was waited for, what was seen of silence may be long over.
        if tries == 1 && found.conclusion.blames_suspect() && !found.patient {
            let silent = now.since(case.last_heard).as_millis();
            self.acts.push(Act::Suspicion {
                adapter: case.adapter,
                suspect: case.suspect.clone(),
                silent_ms: u64::try_from(silent).unwrap_or(u64::MAX),
            });
        }
        case.stage = Stage::Reported { again_at, tries };
        self.acts.push(Act::Concluded(Box::new(Concluded {
            adapter: case.adapter,
            conclusion: found.conclusion.clone(),
            silent,
            tries,
            brief: found.brief,
        })));
    }
}
