use prometheus_client::metrics::counter::Counter;
use tempfile::TempDir;

use crate::{
    plugin::{
        Instance, Launch, Program,
        testing::{self, Reply, Server, http, install_crypto, launch, script, well},
    },
    workflow::{PluginKey, PluginType},
};

use super::*;

const WITHIN: Duration = Duration::from_secs(20);

/// A server, and the plugin that says that it listens there.
struct Fake {
    server: Server,
    dir: TempDir,
}

impl Fake {
    async fn good() -> Self {
        Self::that(well).await
    }

    async fn that(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self {
            server: Server::start(reply).await,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn launch(&self) -> Launch {
        let line = self.server.handshake("", "");
        launch(script(self.dir.path(), &line, "exec sleep 1000"))
    }

    async fn start(&self, launch: Launch) -> Result<InstanceHandle, LoadError> {
        InstanceHandle::start(key(), 1, launch, Counter::default()).await
    }
}

fn key() -> PluginKey {
    PluginKey {
        kind: PluginType::Collector,
        name: "fake".to_owned(),
        version: 7,
    }
}

fn test(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

async fn until(instance: &InstanceHandle, is_so: impl Fn(&InstanceView) -> bool) -> InstanceView {
    let mut views = instance.subscribe();
    let found = tokio::time::timeout(WITHIN, views.wait_for(|view| is_so(view))).await;
    found.expect("in time").expect("the actor lives").clone()
}

async fn until_running(instance: &InstanceHandle, restarts: u32) -> u32 {
    let is_so = |view: &InstanceView| view.state == InstanceState::Running && view.restarts == restarts;
    until(instance, is_so).await.pid.expect("a process")
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

fn is_there(pid: u32) -> bool {
    std::fs::exists(format!("/proc/{pid}")).unwrap()
}

async fn collect(instance: &InstanceHandle) -> Result<usize, String> {
    let collected = instance.collect([].into()).await;
    collected
        .map(|metrics| metrics.len())
        .map_err(|error| error.to_string())
}

#[test]
fn a_plugin_that_is_killed_is_started_again() {
    test(async {
        let fake = Fake::good().await;
        let launch = Launch {
            max_restarts: Some(1),
            ..fake.launch()
        };
        let instance = fake.start(launch).await.unwrap();
        assert_eq!(collect(&instance).await, Ok(0));
        let first = until_running(&instance, 0).await;
        kill(first);
        let second = until_running(&instance, 1).await;
        assert_ne!(first, second);
        assert_eq!(collect(&instance).await, Ok(0));

        kill(second);
        let view = until(&instance, |view| matches!(view.state, InstanceState::Dead(_))).await;
        assert_eq!((view.pid, view.restarts), (None, 1));
        let why = "its process ended: signal: 9 (SIGKILL)";
        assert_eq!(view.state, InstanceState::Dead(why.into()));
        assert_eq!(
            collect(&instance).await,
            Err(format!("plugin collector:fake:7 is dead: {why}"))
        );
        instance.stop("not needed").await;
    });
}

#[test]
fn a_plugin_that_does_not_answer_is_killed_and_started_again() {
    test(async {
        let pings = std::sync::atomic::AtomicU32::new(0);
        let fake = Fake::that(move |method| {
            let nth = pings.fetch_add(u32::from(method == "Ping"), std::sync::atomic::Ordering::SeqCst);
            // The first is of the start; the fifth of the start anew.
            match nth {
                1..=3 if method == "Ping" => Reply::Status(13, "stuck"),
                _ => well(method),
            }
        });
        let fake = fake.await;
        let instance = fake.start(fake.launch()).await.unwrap();
        let first = until_running(&instance, 0).await;
        tokio::time::pause();
        until(&instance, |view| view.state == InstanceState::Restarting).await;
        assert_eq!(fake.server.count("Ping"), 4);
        let error = collect(&instance).await.unwrap_err();
        assert_eq!(
            error,
            "plugin collector:fake:7 died and is being started again: it does not answer"
        );
        tokio::time::resume();
        until_running(&instance, 1).await;
        assert!(!is_there(first));
        instance.stop("not needed").await;
    });
}

#[test]
fn a_plugin_that_is_stopped_is_told_why_and_killed() {
    test(async {
        let fake = Fake::good().await;
        let instance = fake.start(fake.launch()).await.unwrap();
        let pid = until_running(&instance, 0).await;
        assert!(is_there(pid));
        tokio::time::pause();
        tokio::join!(instance.stop("no more tasks"), instance.stop("again"));
        assert!(!is_there(pid));
        assert_eq!(instance.view().state, InstanceState::Stopped);
        let kills = fake
            .server
            .calls()
            .into_iter()
            .filter(|(path, ..)| path.ends_with("/Kill"));
        let reasons: Vec<_> = kills.map(|(.., bytes)| testing::unframed(&bytes).remove(0)).collect();
        assert_eq!(reasons, [[&b"\n\rno more tasks"[..]].concat()]);
        assert_eq!(
            collect(&instance).await,
            Err("plugin collector:fake:7 was stopped".to_owned())
        );
    });
}

#[test]
fn a_plugin_that_nobody_holds_ends() {
    test(async {
        let fake = Fake::good().await;
        let instance = fake.start(fake.launch()).await.unwrap();
        let pid = until_running(&instance, 0).await;
        let mut views = instance.subscribe();
        drop(instance.clone());
        assert!(is_there(pid));
        drop(instance);
        let stopped = views.wait_for(|view| view.state == InstanceState::Stopped);
        // An error says that the actor is gone: it leaves after its plugin.
        let _stopped = tokio::time::timeout(WITHIN, stopped).await.expect("in time");
        let gone = async {
            while is_there(pid) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(WITHIN, gone).await.expect("in time");
    });
}

#[test]
fn an_actor_that_panics_takes_its_plugin_along_and_starts_another() {
    test(async {
        let fake = Fake::good().await;
        let crashes = Counter::default();
        let instance = InstanceHandle::start(key(), 1, fake.launch(), crashes.clone())
            .await
            .unwrap();
        let first = until_running(&instance, 0).await;
        instance.crash().await;
        let second = until_running(&instance, 1).await;
        assert_ne!(first, second);
        assert_eq!((collect(&instance).await, crashes.get()), (Ok(0), 1));
        instance.stop("not needed").await;
        assert!(!is_there(first) && !is_there(second));
    });
}

#[test]
fn what_is_not_the_plugin_that_was_loaded_is_not_started() {
    test(async {
        let fake = Fake::good().await;
        let wanted = PluginKey { version: 8, ..key() };
        let started = InstanceHandle::start(wanted, 1, fake.launch(), Counter::default()).await;
        assert_eq!(
            started.unwrap_err().to_string(),
            "plugin collector:fake:7 was started where collector:fake:8 was expected"
        );
    });
}

#[test]
fn one_that_stands_alone_is_dead_when_it_does_not_answer() {
    test(async {
        install_crypto();
        let pings = std::sync::atomic::AtomicU32::new(0);
        let server = Server::start(
            move |method| match pings.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => well(method),
                _ => Reply::Cut,
            },
        );
        let server = server.await;
        let url = http(server.handshake("", "")).await;
        let launch = launch(Program::StandAlone { url });
        let instance = InstanceHandle::start(key(), 1, launch, Counter::default())
            .await
            .unwrap();
        assert_eq!(instance.view().pid, None);
        tokio::time::pause();
        let view = until(&instance, |view| view.state != InstanceState::Running).await;
        assert_eq!(view.state, InstanceState::Dead("it does not answer".into()));
        instance.stop("not needed").await;
        assert_eq!(server.count("Kill"), 0);
    });
}
