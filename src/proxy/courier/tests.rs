use std::sync::mpsc;

use tokio::task::{LocalSet, spawn_local};

use super::{super::testing, *};

#[tokio::test]
async fn points_of_the_default_policy_keep_their_order_under_both_of_its_names() {
    let test = async {
        let (url, mut writes) = testing::server().await;
        let rig = testing::Rig::new(&[&url], "").await;
        for (policy, line) in [("", "m v=1 7"), ("autogen", "m v=2 7"), ("", "m v=3 7")] {
            rig.append(policy, line);
        }
        let courier = Arc::clone(&rig.courier);
        let turn = spawn_local(async move { courier.turn().await });
        let mut bodies = Vec::new();
        for _ in 0..3 {
            let arrived = writes.recv().await.unwrap();
            bodies.push(arrived.body.clone());
            arrived.accept().await;
        }
        assert!(matches!(turn.await.unwrap(), Turn::Delivered));
        assert_eq!(bodies, ["m v=1 7\n", "m v=2 7\n", "m v=3 7\n"]);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn work_on_files_that_nobody_waits_for_still_keeps_everything_else_out() {
    let test = async {
        let (url, mut writes) = testing::server().await;
        let rig = testing::Rig::new(&[&url], "").await;
        rig.append("", "m v=1 7");
        let (started, has_started) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let courier = Arc::clone(&rig.courier);
        let work = spawn_local(async move {
            let slow = move |_: &Queue| {
                started.send(()).unwrap();
                assert!(may_go_on.recv().is_err(), "nothing is ever sent");
                Ok(())
            };
            courier.with_queue(slow).await
        });
        has_started.await.unwrap();
        work.abort();
        let courier = Arc::clone(&rig.courier);
        let turn = spawn_local(async move { courier.turn().await });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(writes.try_recv().is_err(), "the work goes on");
        drop(go_on);
        writes.recv().await.unwrap().accept().await;
        assert!(matches!(turn.await.unwrap(), Turn::Delivered));
    };
    LocalSet::new().run_until(test).await;
}
