//! What travels in envelopes, and the evidence in it.

use hats_proto::wire as pb;

use super::part::{Body, all, fact, host, put_all, put_fact, required};
use crate::{
    CaseId, DecodeError, Envelope, Letter, NodeId, Observation, ProbeNotice, ProbeRequest,
    ProbeResult, ProbeSeen, Silent, address,
};

impl Body for Envelope {
    type Proto = pb::Envelope;

    fn put(&self) -> pb::Envelope {
        pb::Envelope {
            from: self.from.0,
            to: self.to.0,
            hops_left: self.hops_left,
            about: self.about.clone(),
            body: Some(self.letter.put()),
        }
    }

    fn get(proto: pb::Envelope) -> Result<Self, DecodeError> {
        Ok(Envelope {
            from: NodeId(proto.from),
            to: NodeId(proto.to),
            hops_left: proto.hops_left,
            about: proto.about,
            letter: required(proto.body, "envelope.body")?,
        })
    }
}

impl Body for Letter {
    type Proto = pb::envelope::Body;

    fn put(&self) -> pb::envelope::Body {
        match self {
            Letter::ProbeRequest(request) => pb::envelope::Body::ProbeRequest(request.put()),
            Letter::ProbeResult(result) => pb::envelope::Body::ProbeResult(result.put()),
            Letter::ProbeNotice(notice) => pb::envelope::Body::ProbeNotice(notice.put()),
            Letter::ProbeSeen(seen) => pb::envelope::Body::ProbeSeen(seen.put()),
            Letter::Silent(silent) => pb::envelope::Body::Silent(silent.put()),
            Letter::SilentAck { case_name, verdict } => {
                pb::envelope::Body::SilentAck(pb::SilentAck {
                    case_name: case_name.clone(),
                    verdict: verdict.as_ref().map(|item| item.put()),
                })
            }
            Letter::PathRestored { network, pair } => {
                let (network, pair) = (network.clone(), Some(pair.put()));
                pb::envelope::Body::PathRestored(pb::PathRestored { network, pair })
            }
        }
    }

    fn get(proto: pb::envelope::Body) -> Result<Self, DecodeError> {
        Ok(match proto {
            pb::envelope::Body::ProbeRequest(request) => Letter::ProbeRequest(Body::get(request)?),
            pb::envelope::Body::ProbeResult(result) => Letter::ProbeResult(Body::get(result)?),
            pb::envelope::Body::ProbeNotice(notice) => Letter::ProbeNotice(Body::get(notice)?),
            pb::envelope::Body::ProbeSeen(seen) => Letter::ProbeSeen(Body::get(seen)?),
            pb::envelope::Body::Silent(silent) => Letter::Silent(Body::get(silent)?),
            pb::envelope::Body::SilentAck(ack) => Letter::SilentAck {
                case_name: ack.case_name,
                verdict: ack.verdict.map(crate::Item::get).transpose()?.map(Into::into),
            },
            pb::envelope::Body::PathRestored(restored) => Letter::PathRestored {
                network: restored.network,
                pair: required(restored.pair, "path_restored.pair")?,
            },
        })
    }
}

impl Body for ProbeRequest {
    type Proto = pb::ProbeRequest;

    fn put(&self) -> pb::ProbeRequest {
        pb::ProbeRequest {
            case_id: self.case.0,
            round: self.round,
            network: self.network.clone(),
            reporter: Some(self.reporter.put()),
            suspect: Some(self.suspect.put()),
            timeout_us: self.timeout_us,
            brief: self.brief,
            doubts_itself: self.doubts_itself,
        }
    }

    fn get(proto: pb::ProbeRequest) -> Result<Self, DecodeError> {
        Ok(ProbeRequest {
            case: CaseId(proto.case_id),
            round: proto.round,
            network: proto.network,
            reporter: required(proto.reporter, "probe_request.reporter")?,
            suspect: required(proto.suspect, "probe_request.suspect")?,
            timeout_us: proto.timeout_us,
            brief: proto.brief,
            doubts_itself: proto.doubts_itself,
        })
    }
}

impl Body for ProbeNotice {
    type Proto = pb::ProbeNotice;

    fn put(&self) -> pb::ProbeNotice {
        pb::ProbeNotice {
            case_id: self.case.0,
            round: self.round,
            network: self.network.clone(),
            prober: address::to_bytes(self.prober),
            target: address::to_bytes(self.target),
            timeout_us: self.timeout_us,
            brief: self.brief,
        }
    }

    fn get(proto: pb::ProbeNotice) -> Result<Self, DecodeError> {
        Ok(ProbeNotice {
            case: CaseId(proto.case_id),
            round: proto.round,
            network: proto.network,
            prober: host(&proto.prober, "probe_notice.prober")?,
            target: host(&proto.target, "probe_notice.target")?,
            timeout_us: proto.timeout_us,
            brief: proto.brief,
        })
    }
}

impl Body for ProbeSeen {
    type Proto = pb::ProbeSeen;

    fn put(&self) -> pb::ProbeSeen {
        pb::ProbeSeen {
            case_id: self.case.0,
            round: self.round,
            network: self.network.clone(),
            prober: address::to_bytes(self.prober),
            target: address::to_bytes(self.target),
            count: self.count,
            fact: put_fact(self.fact),
        }
    }

    fn get(proto: pb::ProbeSeen) -> Result<Self, DecodeError> {
        Ok(ProbeSeen {
            case: CaseId(proto.case_id),
            round: proto.round,
            network: proto.network,
            prober: host(&proto.prober, "probe_seen.prober")?,
            target: host(&proto.target, "probe_seen.target")?,
            count: proto.count,
            fact: fact(proto.fact, "probe_seen.fact")?,
        })
    }
}

impl Body for ProbeResult {
    type Proto = pb::ProbeResult;

    fn put(&self) -> pb::ProbeResult {
        pb::ProbeResult {
            case_id: self.case.0,
            round: self.round,
            observations: put_all(&self.observations),
            abstains: self.abstains,
        }
    }

    fn get(proto: pb::ProbeResult) -> Result<Self, DecodeError> {
        Ok(ProbeResult {
            case: CaseId(proto.case_id),
            round: proto.round,
            observations: all(proto.observations)?,
            abstains: proto.abstains,
        })
    }
}

impl Body for Silent {
    type Proto = pb::Silent;

    fn put(&self) -> pb::Silent {
        pb::Silent {
            case_name: self.case_name.clone(),
            network: self.network.clone(),
            group: Some(self.group.put()),
            reporter: Some(self.reporter.put()),
            suspect: Some(self.suspect.put()),
            observations: put_all(&self.observations),
            arbiters: self.arbiters.clone(),
            silent_us: self.silent_us,
            waited_us: self.waited_us,
        }
    }

    fn get(proto: pb::Silent) -> Result<Self, DecodeError> {
        Ok(Silent {
            case_name: proto.case_name,
            network: proto.network,
            group: required(proto.group, "silent.group")?,
            reporter: required(proto.reporter, "silent.reporter")?,
            suspect: required(proto.suspect, "silent.suspect")?,
            observations: all(proto.observations)?,
            arbiters: proto.arbiters,
            silent_us: proto.silent_us,
            waited_us: proto.waited_us,
        })
    }
}

impl Body for Observation {
    type Proto = pb::Observation;

    fn put(&self) -> pb::Observation {
        pb::Observation {
            prober: self.prober.clone(),
            prober_address: address::to_bytes(self.prober_address),
            prober_is_reporter: self.prober_is_reporter,
            target: self.target.clone(),
            target_address: address::to_bytes(self.target_address),
            network: self.network.clone(),
            sent: self.sent,
            received: self.received,
            rtt_us: self.rtt_us,
            seen_by_target: self.seen_by_target,
            heard_from_target: self.heard_from_target,
            icmp: self.icmp,
            elsewhere: self.elsewhere,
            stalled: self.stalled,
            fact: put_fact(self.fact),
        }
    }

    fn get(proto: pb::Observation) -> Result<Self, DecodeError> {
        Ok(Observation {
            prober: proto.prober,
            prober_address: host(&proto.prober_address, "observation.prober_address")?,
            prober_is_reporter: proto.prober_is_reporter,
            target: proto.target,
            target_address: host(&proto.target_address, "observation.target_address")?,
            network: proto.network,
            sent: proto.sent,
            received: proto.received,
            rtt_us: proto.rtt_us,
            seen_by_target: proto.seen_by_target,
            heard_from_target: proto.heard_from_target,
            icmp: proto.icmp,
            elsewhere: proto.elsewhere,
            stalled: proto.stalled,
            fact: fact(proto.fact, "observation.fact")?,
        })
    }
}
