use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, sleep, timeout};

use super::ask::{Said, ask};
use crate::cause::chain;
use crate::render::{IndexPages, Listed, State};
use crate::site::{Place, Site, Source, keeping_the_last};

/// The pause between two rounds.
pub(super) const PAUSE: Duration = Duration::from_secs(10);
/// How long one instance may take to respond. An instance that is starting may wait for its own first answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the results so far are shown during a round.
const SHOWN_EVERY: Duration = Duration::from_secs(1);
/// Instances that are asked at the same time.
const AT_ONCE: usize = 64;
/// Responses that are read at the same time: each may be large.
const BODIES_AT_ONCE: usize = 8;

type Shown = Arc<watch::Sender<Option<Arc<IndexPages>>>>;

/// How many of each kind may run at the same time in a round.
struct Turns {
    asked: Semaphore,
    bodies: Semaphore,
}

/// The last result of each word.
#[derive(Debug, Default, Clone)]
struct Known(Vec<(Place, Option<Said>)>);

/// Asks all instances repeatedly, and shows the results.
pub(super) async fn run(source: Source, mut site: Site, shown: Shown) {
    let mut known = Known::default();
    loop {
        if let Some(new) = contained(known.clone().round(site.clone(), Arc::clone(&shown))).await {
            known = new;
        }
        sleep(PAUSE).await;
        match source.read().await {
            Ok(read) => site = read,
            Err(invalid) => keeping_the_last(&invalid),
        }
    }
}

/// Runs a round in its own task, so that a panic in it is only a failed round. The round is aborted when this is
/// dropped.
async fn contained<T: Send + 'static>(round: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let mut task = JoinSet::new();
    task.spawn(round);
    match task.join_next().await? {
        Ok(ended) => Some(ended),
        Err(fault) => {
            tracing::error!(cause = chain(&fault), "a round of the index failed");
            None
        }
    }
}

impl Known {
    /// Asks every instance of the site once. Until an instance has answered, its previous result is shown.
    async fn round(self, site: Site, shown: Shown) -> Self {
        let turns = Arc::new(Turns {
            asked: Semaphore::new(AT_ONCE),
            bodies: Semaphore::new(BODIES_AT_ONCE),
        });
        let mut asked = JoinSet::new();
        // Within a site, links are unique.
        let mut before: HashMap<_, _> = self
            .0
            .into_iter()
            .map(|(place, said)| (place.link.url.clone(), (place, said)))
            .collect();
        let mut now = Self(Vec::with_capacity(site.places.len()));
        for (number, place) in site.places.into_iter().enumerate() {
            let last = before.remove(&place.link.url);
            let last = last.and_then(|(known, said)| (known == place).then_some(said));
            now.0.push((place.clone(), last.clone().flatten()));
            // An instance without an address is not asked.
            if place.address.is_none() {
                continue;
            }
            let turns = Arc::clone(&turns);
            asked.spawn(async move {
                let _turn = turns.asked.acquire().await;
                (number, said(&place, last, &turns.bodies).await)
            });
        }
        let mut tick = interval_at(Instant::now() + SHOWN_EVERY, SHOWN_EVERY);
        let mut is_new = false;
        loop {
            tokio::select! {
                ended = asked.join_next() => match ended {
                    Some(Ok((number, said))) => {
                        if let Some((_, known)) = now.0.get_mut(number) {
                            *known = said;
                        }
                        is_new = true;
                    }
                    // The result of its word stays unchanged.
                    Some(Err(fault)) => tracing::error!(cause = chain(&fault), "asking an instance failed"),
                    None => break,
                },
                // An instance that hangs does not hold up the others.
                _ = tick.tick(), if is_new => {
                    now.show(&shown);
                    is_new = false;
                }
            }
        }
        now.show(&shown);
        now
    }

    fn show(&self, shown: &Shown) {
        shown.send_replace(Some(Arc::new(IndexPages::new(&self.listed()))));
    }

    fn listed(&self) -> Vec<Listed> {
        let listed = self.0.iter().map(|(place, said)| Listed {
            word: place.link.word.clone(),
            url: place.link.url.clone(),
            state: said
                .as_ref()
                .map_or(State::Unavailable, |said| said.state.clone()),
        });
        listed.collect()
    }
}

/// The current result of an instance. Only a change is logged: an instance that is away would fill the log.
async fn said(place: &Place, last: Option<Option<Said>>, bodies: &Semaphore) -> Option<Said> {
    let address = place.address.as_ref()?;
    let word = place.link.word.as_str();
    let was_served = last.as_ref().map(Option::is_some);
    let answer = match timeout(PATIENCE, ask(address, word, last.flatten(), bodies)).await {
        Ok(answer) => answer.map_err(|error| chain(&error)),
        Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    };
    match answer {
        Ok(said) => {
            if was_served != Some(true) {
                tracing::info!(word, address = %address, "a word is served");
            }
            Some(said)
        }
        Err(cause) => {
            if was_served != Some(false) {
                tracing::warn!(word, address = %address, cause, "a word is not available");
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without addresses nothing is asked, so that time passes only in the pauses.
    #[tokio::test(start_paused = true)]
    async fn the_list_follows_the_file_and_outlives_a_bad_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.json");
        let write =
            |words: &str| std::fs::write(&path, format!("{{\"index\": \"/\", \"words\": [{words}]}}"));
        let (a, b) = (r#"{"word": "a", "url": "/a/"}"#, r#"{"word": "b", "url": "/b/"}"#);
        write(a).unwrap();
        let source = Source::file(path.clone());
        let site = source.read().await.unwrap();
        let sender = Arc::new(watch::Sender::new(None));
        let mut shown = sender.subscribe();
        let rounds = tokio::spawn(run(source, site, sender));
        let mut words = async || {
            shown.changed().await.unwrap();
            let pages = shown.borrow_and_update().clone().unwrap();
            let (_, page) = pages.get(&crate::render::json::FORMAT);
            let text = String::from_utf8(page.identity.body.to_vec()).unwrap();
            ["/a/", "/b/"].map(|url| text.contains(url))
        };
        assert_eq!(words().await, [true, false]);
        write("{").unwrap();
        assert_eq!(words().await, [true, false]);
        write(&format!("{b}, {a}")).unwrap();
        assert_eq!(words().await, [true, true]);
        write(b).unwrap();
        assert_eq!(words().await, [false, true]);
        rounds.abort();
    }

    #[tokio::test]
    async fn a_panic_ends_only_one_round() {
        assert_eq!(contained(async { 1 }).await, Some(1));
        assert_eq!(contained::<()>(async { panic!("on purpose") }).await, None);
    }
}
