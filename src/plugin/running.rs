//! A plugin that was started, or found, and has said what it is.

use std::{future::pending, ops::RangeInclusive, path::Path, sync::Arc, time::Duration};

use crate::{base::TimestampNs, workflow::PluginMeta};

use super::{
    Checksum, Client, Launch, LoadError, OWNER_VARIABLE, Program, builtin, files,
    handshake::{self, Handshake, HandshakeError, Security},
    process::{NoFirstLine, Process},
    standalone,
};

/// A plugin that runs and can be called. Dropping it kills its process.
#[derive(Debug)]
pub struct Running {
    handshake: Handshake,
    client: Client,
    process: Option<Process>,
}

impl Running {
    /// Starts the plugin's process and waits until it says where it listens; or asks one that stands alone.
    ///
    /// # Errors
    /// When its file is another one now, does not start, or is of a plugin that cannot be spoken with.
    pub async fn start(launch: &Launch) -> Result<Self, LoadError> {
        let begun = launch.clock.now();
        let (process, line) = match &launch.program {
            Program::File { path, checksum } => {
                let (process, line) = start_process(launch, path, *checksum).await?;
                (Some(process), line)
            }
            Program::StandAlone { url } => (None, standalone::ask(url, launch.load_timeout).await?),
        };
        let security = if launch.own_tls.is_some() {
            Security::Tls
        } else {
            Security::Plain
        };
        let handshake = Handshake::read(&line, security).map_err(with_twin)?;
        let started = match process {
            Some(_) => begun..=launch.clock.now(),
            None => TimestampNs(i64::MIN)..=launch.clock.now(),
        };
        let client = new_client(launch, &handshake, started).await?;
        Ok(Self {
            handshake,
            client,
            process,
        })
    }

    /// What it says of itself.
    #[must_use]
    pub fn meta(&self) -> &PluginMeta {
        &self.handshake.meta
    }

    /// Why it cannot work, if it says so itself.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.handshake.failure.as_deref()
    }

    /// The way to it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its process; none when it stands alone.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Waits until its process has ended; how. For ever when it stands alone.
    pub async fn ended(&self) -> Arc<str> {
        match &self.process {
            Some(process) => process.ended().await,
            None => pending().await,
        }
    }

    /// Tells the plugin to end, and kills it after some time; one that stands alone is only left.
    pub async fn end(&self, reason: &str, grace: Duration) {
        let Some(process) = &self.process else { return };
        // All answers are as good: it may end before it has sent one.
        let told = async {
            self.client.kill(reason).await;
            pending().await
        };
        let ends = async {
            tokio::select! {
                _how = process.ended() => {}
                () = told => {}
            }
        };
        let _in_time = tokio::time::timeout(grace, ends).await;
        process.kill().await;
    }
}

async fn start_process(launch: &Launch, path: &Path, checksum: Checksum) -> Result<(Process, Vec<u8>), LoadError> {
    files::verify(path, checksum).await?;
    let argument = handshake::argument(launch.log_level, launch.plugin_tls.as_deref());
    let marker = (OWNER_VARIABLE, &*launch.owner_marker);
    match Process::start(path, &argument, marker, launch.load_timeout).await {
        Ok(Ok(started)) => Ok(started),
        Ok(Err(NoFirstLine::TimedOut)) => Err(LoadError::TimedOut),
        Ok(Err(NoFirstLine::TooLong)) => Err(LoadError::FirstLineTooLong),
        Err(source) => Err(LoadError::Execute {
            path: path.to_owned(),
            source,
        }),
    }
}

async fn new_client(
    launch: &Launch,
    handshake: &Handshake,
    started: RangeInclusive<TimestampNs>,
) -> Result<Client, LoadError> {
    let Handshake { meta, address, .. } = handshake;
    let tls = launch.own_tls.as_deref();
    let client = Client::new(meta.key.kind, address, tls, started, Arc::clone(&launch.clock)).await;
    client.map_err(LoadError::Connection)
}

/// The same error, but for plugins that are built in: where to find them.
fn with_twin(error: HandshakeError) -> LoadError {
    let HandshakeError::Native(key) = &error else {
        return error.into();
    };
    let twin = builtin::find(Some(key.kind), &key.name, Some(key.version)).or_else(|| builtin::twin_of(&key.name));
    match twin.map(builtin::Builtin::key) {
        Some(twin) => LoadError::HasTwin { error, twin },
        None => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::{PluginKey, PluginType};

    #[test]
    fn a_native_plugin_is_refused_with_the_request_that_loads_its_twin() {
        let refused = |name: &str, version| {
            let kind = PluginType::Collector;
            let name = name.to_owned();
            with_twin(HandshakeError::Native(PluginKey { kind, name, version })).to_string()
        };
        let text = refused("mock", 1);
        let (_, request) = text.split_once("\"uri\": \"").unwrap();
        let (request, _) = request.split_once('"').unwrap();
        let twin = builtin::by_request(request).unwrap().key();
        assert_eq!((twin.name.as_str(), twin.version), ("mock", 1));
        assert!(!refused("nobody-knows-it", 1).contains("uri"));
    }
}
