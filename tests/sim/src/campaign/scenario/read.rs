//! A scenario from its text.

use std::time::Duration;

use hats_core::config::{Detection, Profile};
use serde::Deserialize;
use toml::Spanned;

use super::{Scenario, ScenarioError, check};
use crate::{
    campaign::{
        expectation::{Expectation, Within},
        fault::Fault,
        span,
        story::{Episode, Pace, Step, Story},
    },
    expect::Blame,
};

type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Text,
    why: Option<String>,
    seed: u64,
    profile: Option<Text>,
    heartbeat_interval: Option<Text>,
    sensitivity: Option<Spanned<u32>>,
    probe_timeout: Option<Text>,
    networks: Vec<Text>,
    nodes: Spanned<Vec<Text>>,
    #[serde(default)]
    hosts: Vec<Text>,
    #[serde(default)]
    references: bool,
    #[serde(default)]
    required: Vec<Text>,
    #[serde(default)]
    ipv6: bool,
    loss: Option<Spanned<f64>>,
    #[serde(default)]
    episode: Vec<EpisodeText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EpisodeText {
    pace: Text,
    #[serde(default)]
    steps: Vec<Spanned<StepText>>,
    expect: Option<Vec<Text>>,
    within: Option<Text>,
    #[serde(default)]
    tolerate: Vec<Text>,
    by: Option<Vec<Text>>,
    #[serde(default)]
    groups: Vec<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepText {
    at: Text,
    #[serde(rename = "do")]
    fault: Text,
    #[serde(rename = "for")]
    lasts: Option<Text>,
    expect: Option<Vec<Text>>,
    within: Option<Text>,
    #[serde(default)]
    tolerate: Vec<Text>,
    by: Option<Vec<Text>>,
}

/// A file and what stands in it.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

type Read<T> = Result<T, ScenarioError>;

impl Reader<'_> {
    pub(super) fn scenario(&self) -> Read<Scenario> {
        let file: File = toml::from_str(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.error(at, error.message().to_owned())
        })?;
        let name = self.value("name", &file.name, |name| {
            let sentence = name.split_whitespace().count() > 1;
            sentence.then(|| name.to_owned()).ok_or("expected a sentence")
        })?;
        let mut story = Story {
            seed: file.seed,
            detection: self.detection(&file)?,
            networks: self.networks(&file.networks)?,
            nodes: Vec::new(),
            hosts: Vec::new(),
            references: file.references,
            required: Vec::new(),
            ipv6: file.ipv6,
            loss: 0.0,
            episodes: Vec::new(),
        };
        if file.nodes.get_ref().is_empty() {
            let what = "nodes is []: expected at least one, as \"n1 neta.1\"".to_owned();
            return Err(self.error(file.nodes.span().start, what));
        }
        for node in file.nodes.get_ref() {
            let member = self.value("node", node, |text| check::member(&story, text))?;
            story.nodes.push(member);
        }
        for host in &file.hosts {
            let host = self.value("host", host, |text| check::member(&story, text))?;
            story.hosts.push(host);
        }
        for required in &file.required {
            let required =
                self.value("required", required, |text| check::required(&story, text))?;
            story.required.push(required);
        }
        if let Some(loss) = &file.loss {
            story.loss =
                self.number("loss", loss, (0.0..1.0).contains(loss.get_ref()), "0 to 1")?;
        }
        for episode in &file.episode {
            let episode = self.episode(&story, episode)?;
            story.episodes.push(episode);
        }
        Ok(Scenario { name, why: file.why, story })
    }

    fn detection(&self, file: &File) -> Read<Detection> {
        let profile = match &file.profile {
            None => Profile::Default,
            Some(profile) => self.value("profile", profile, |word| {
                let all = Profile::ALL.map(Profile::word).join(", ");
                Profile::named(word).ok_or_else(|| format!("expected one of {all}"))
            })?,
        };
        let usual = profile.detection();
        let span =
            |key, text: &Option<Text>| text.as_ref().map(|text| self.span(key, text)).transpose();
        let interval = span("heartbeat_interval", &file.heartbeat_interval)?;
        let detection = Detection::new(
            interval.unwrap_or(usual.heartbeat_interval),
            file.sensitivity.as_ref().map_or(usual.sensitivity, |it| *it.get_ref()),
        );
        let timeout = span("probe_timeout", &file.probe_timeout)?;
        let detection =
            Detection { probe_timeout: timeout.unwrap_or(detection.probe_timeout), ..detection };
        let places = [&file.heartbeat_interval, &file.probe_timeout];
        let place = places.into_iter().flatten().map(|text| text.span().start).next();
        let place = place.or(file.sensitivity.as_ref().map(|it| it.span().start));
        detection.validate().map_err(|why| self.error(place.unwrap_or(0), why.to_string()))?;
        Ok(detection)
    }

    fn networks(&self, texts: &[Text]) -> Read<Vec<String>> {
        let mut networks = Vec::new();
        for text in texts {
            let network = self.value("network", text, |name| check::network(&networks, name))?;
            networks.push(network);
        }
        Ok(networks)
    }

    fn episode(&self, story: &Story, text: &EpisodeText) -> Read<Episode> {
        let pace = self.value("pace", &text.pace, |word| {
            let all = Pace::ALL.map(Pace::words).join(", ");
            Pace::ALL
                .into_iter()
                .find(|pace| pace.words() == word)
                .ok_or_else(|| format!("expected one of {all}"))
        })?;
        if pace == Pace::Forming && !story.episodes.is_empty() {
            let what = "pace is \"forming\": expected that of the first episode only".to_owned();
            return Err(self.error(text.pace.span().start, what));
        }
        let said = (&text.expect, &text.within, text.tolerate.as_slice(), &text.by);
        let expect = self.expectation(story, said)?;
        if expect.is_some() && pace == Pace::OneByOne {
            let what = "expect stands at the episode: expected it at each step, for they are \
                        judged one by one";
            return Err(self.error(text.pace.span().start, what.to_owned()));
        }
        let mut episode = Episode { pace, steps: Vec::new(), expect, groups: Vec::new() };
        for step in &text.steps {
            let place = step.get_ref().fault.span().start;
            let read = self.step(story, pace, step.get_ref())?;
            check::collision(&episode, &read).map_err(|why| self.error(place, why))?;
            episode.steps.push(read);
        }
        for groups in &text.groups {
            let groups = self.value("groups", groups, |text| check::groups(story, text))?;
            episode.groups.push(groups);
        }
        Ok(episode)
    }

    fn step(&self, story: &Story, pace: Pace, text: &StepText) -> Read<Step> {
        let after = self.span("at", &text.at)?;
        let lasts = text.lasts.as_ref().map(|text| self.span("for", text)).transpose()?;
        let fault = self.value("do", &text.fault, |words| {
            let fault = Fault::parse(words, lasts)?;
            check::places(story, fault.places()).map(|()| fault)
        })?;
        let said = (&text.expect, &text.within, text.tolerate.as_slice(), &text.by);
        let expect = self.expectation(story, said)?;
        if expect.is_some() && pace != Pace::OneByOne {
            let what = "expect stands at a step: expected it at the episode, for its steps are \
                        judged together";
            return Err(self.error(text.fault.span().start, what.to_owned()));
        }
        Ok(Step { fault, after, lasts, expect })
    }

    #[expect(clippy::type_complexity, reason = "the four keys, as they stand in two places")]
    fn expectation(
        &self,
        story: &Story,
        (expect, within, tolerate, by): (
            &Option<Vec<Text>>,
            &Option<Text>,
            &[Text],
            &Option<Vec<Text>>,
        ),
    ) -> Read<Option<Expectation>> {
        let Some(expect) = expect else {
            let alone = within.iter().chain(tolerate).chain(by.iter().flatten()).next();
            return match alone {
                Some(text) => {
                    let what = format!("{:?} stands without expect: expected it", text.get_ref());
                    Err(self.error(text.span().start, what))
                }
                None => Ok(None),
            };
        };
        let blames = |key, texts: &[Text]| -> Read<Vec<Blame>> {
            let blame = |text| {
                self.value(key, text, |words| {
                    let blame = Blame::parse(words)?;
                    check::places(story, blame.places()).map(|()| blame)
                })
            };
            texts.iter().map(blame).collect()
        };
        let node = |text| {
            self.value("by", text, |name| {
                check::places(story, [(Some(name), None)]).map(|()| name.to_owned())
            })
        };
        Ok(Some(Expectation {
            blames: blames("expect", expect)?,
            tolerated: blames("tolerate", tolerate)?,
            witnesses: by.as_ref().map(|by| by.iter().map(node).collect()).transpose()?,
            within: match within {
                None => Within::Bound,
                Some(text) => self.value("within", text, Within::parse)?,
            },
        }))
    }

    fn span(&self, key: &str, text: &Text) -> Read<Duration> {
        self.value(key, text, |text| span::parse(text).ok_or(span::EXPECTED))
    }

    fn number(&self, key: &str, value: &Spanned<f64>, good: bool, range: &str) -> Read<f64> {
        let number = *value.get_ref();
        let what = || format!("{key} is {number}: expected {range}");
        if good { Ok(number) } else { Err(self.error(value.span().start, what())) }
    }

    /// What `parse` makes of a value; its error says what it expects.
    fn value<T, E: Into<String>>(
        &self,
        key: &str,
        text: &Text,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Read<T> {
        parse(text.get_ref()).map_err(|why| {
            let what = format!("{key} is {:?}: {}", text.get_ref(), why.into());
            self.error(text.span().start, what)
        })
    }

    fn error(&self, at: usize, what: String) -> ScenarioError {
        let line = 1 + self.text.bytes().take(at).filter(|b| *b == b'\n').count();
        ScenarioError { file: self.file.to_owned(), line, what }
    }
}
