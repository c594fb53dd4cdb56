//! One look at the machine serves everybody who asks at that time.

use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};

use crate::{base::Clock, workflow::Metric};

use super::{super::super::CallError, groups::Snapshot, metrics, probe::Probe};

/// For so long a sample serves: below any sensible interval, and above what usage needs to be measured.
const FRESH: Duration = Duration::from_millis(400);
/// So long a look may take: below the timeout of a call.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes samples of this machine and shares them.
pub(in super::super) struct Sampler {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

type Look = (Box<Probe>, Snapshot);

#[derive(Default)]
struct State {
    probe: Option<Box<Probe>>,
    /// A look that took longer than anybody would wait, and the probe with it.
    running: Option<JoinHandle<Look>>,
    latest: Option<(Duration, Arc<[Metric]>)>,
}

impl Sampler {
    pub(in super::super) fn new(clock: Arc<dyn Clock>) -> Self {
        let state = Mutex::default();
        Self { clock, state }
    }

    /// Everything there is to know now.
    ///
    /// # Errors
    /// When the machine cannot be looked at, or not in time.
    pub(super) async fn sample(&self) -> Result<Arc<[Metric]>, CallError> {
        let mut state = self.state.lock().await;
        if let Some((taken, sample)) = &state.latest
            && self.clock.elapsed().saturating_sub(*taken) < FRESH
        {
            return Ok(Arc::clone(sample));
        }
        let snapshot = state.look().await.map_err(CallError::Plugin)?;
        let sample: Arc<[Metric]> = metrics::of(&snapshot, self.clock.now()).into();
        state.latest = Some((self.clock.elapsed(), Arc::clone(&sample)));
        Ok(sample)
    }
}

impl State {
    async fn look(&mut self) -> Result<Snapshot, String> {
        if self.running.is_none() {
            let mut probe = self.probe().await?;
            self.running = Some(spawn_blocking(move || {
                let snapshot = probe.look();
                (probe, snapshot)
            }));
        }
        let Some(running) = &mut self.running else {
            return Err("the host is not looked at".to_owned());
        };
        let ended = timeout(PATIENCE, running).await;
        let ended = ended.map_err(|_| format!("the host did not tell its metrics within {PATIENCE:?}"))?;
        self.running = None;
        let (probe, snapshot) = ended.map_err(|error| format!("looking at the host died: {error}"))?;
        self.probe = Some(probe);
        Ok(snapshot)
    }

    /// The probe, made at first use: then usage is that of the first moment.
    async fn probe(&mut self) -> Result<Box<Probe>, String> {
        if let Some(probe) = self.probe.take() {
            return Ok(probe);
        }
        let made = spawn_blocking(Probe::new).await.map_err(|error| error.to_string())??;
        sleep(sysinfo::MINIMUM_CPU_UPDATE_INTERVAL).await;
        Ok(Box::new(made))
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler").finish_non_exhaustive()
    }
}
