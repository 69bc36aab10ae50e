//! `[detection]`: how fast failures are noticed.

use hats_config::{At, Section, duration};
use hats_core::config::{Detection, DetectionError, Profile};

/// The profile and the values in force.
pub(super) fn read(section: &Section<'_, '_>) -> (Profile, Detection) {
    let source = section.source();
    let mut profile = Profile::Default;
    if let Some(word) = section.text("profile") {
        match Profile::named(&word.value) {
            Some(named) => profile = named,
            None => {
                let words = Profile::ALL.map(Profile::word).join(", ");
                source.error(word.wrong(source, format!("expected one of {words}")));
            }
        }
    }
    let interval = section.duration("heartbeat_interval");
    let sensitivity = section.integer("sensitivity", 2, 100);
    let probe_timeout = section.duration("probe_timeout");

    let preset = profile.detection();
    let mut detection = Detection::new(
        interval.as_ref().map_or(preset.heartbeat_interval, |at| at.value),
        sensitivity.as_ref().map_or(preset.sensitivity, |at| at.value),
    );
    if let Some(at) = &probe_timeout {
        detection.probe_timeout = at.value;
    }
    let places = [
        interval.map(|at| at.map(|_| ())),
        sensitivity.map(|at| at.map(|_| ())),
        probe_timeout.map(|at| at.map(|_| ())),
    ];
    report(section, detection, &places);
    (profile, detection)
}

/// Says each impossible value at its own place.
fn report(section: &Section<'_, '_>, detection: Detection, places: &[Option<At<()>>; 3]) {
    let source = section.source();
    let [interval, sensitivity, probe_timeout] = places;
    let sound = Profile::Default.detection();
    // One value at a time, so that one mistake does not hide the next.
    let single = [
        (interval, Detection { heartbeat_interval: detection.heartbeat_interval, ..sound }),
        (probe_timeout, Detection { probe_timeout: detection.probe_timeout, ..sound }),
    ];
    let mut in_range = true;
    for (place, values) in single {
        let expected = match values.validate() {
            Err(DetectionError::HeartbeatInterval(_)) => "expected 1ms to 60s",
            Err(DetectionError::ProbeTimeout(_)) => "expected 1ms to 10s",
            Err(DetectionError::Sensitivity(_))
            | Err(DetectionError::ProbeLongerThanDetection { .. })
            | Ok(()) => continue,
        };
        in_range = false;
        if let Some(at) = place {
            source.error(at.wrong(source, expected));
        }
    }
    let Err(DetectionError::ProbeLongerThanDetection { probe_timeout: probe, detection_time }) =
        detection.validate()
    else {
        return;
    };
    let Some(at) = [probe_timeout, interval, sensitivity].into_iter().flatten().next() else {
        return;
    };
    if in_range {
        let problem = at.wrong(
            source,
            format!(
                "the probe timeout ({}) is longer than the detection time ({}), expected at most \
                 that",
                duration::show(probe),
                duration::show(detection_time),
            ),
        );
        source.error(problem.help("detection time = heartbeat_interval x sensitivity"));
    }
}
