//! Which instance does a call, over the lives of tasks and instances.

use super::*;

fn candidates(ids: &[u64]) -> Vec<Candidate> {
    ids.iter().map(|id| Candidate { id: *id, last_used: 0 }).collect()
}

fn select(selector: &mut Selector, ids: &[u64], task: &str, config: u64) -> Result<u64, NoInstance> {
    let task = Arc::from(task);
    selector.select(&candidates(ids), Call { task: &task, config })
}

#[test]
fn the_instance_idle_longest_is_used() {
    let mut selector = Selector::new(Routing::LeastRecentlyUsed);
    let used = |id, last_used| Candidate { id, last_used };
    let task = Arc::from("t");
    let mut select = |candidates: &[Candidate]| selector.select(candidates, Call { task: &task, config: 0 });
    assert_eq!(select(&[used(1, 5), used(2, 3), used(3, 9)]), Ok(2));
    assert_eq!(select(&[]), Err(NoInstance));
}

#[test]
fn a_task_that_ends_frees_its_instance() {
    let mut selector = Selector::new(Routing::Sticky);
    assert_eq!(select(&mut selector, &[1, 2], "a", 0), Ok(1));
    assert_eq!(select(&mut selector, &[1, 2], "b", 0), Ok(2));
    assert_eq!(select(&mut selector, &[1, 2], "c", 0), Err(NoInstance));
    selector.release("a");
    assert!(!selector.keeps(1) && selector.keeps(2));
    assert_eq!(select(&mut selector, &[1, 2], "c", 0), Ok(1));
    assert_eq!(select(&mut selector, &[1, 2], "b", 0), Ok(2));
}

#[test]
fn a_configuration_is_kept_while_one_of_its_tasks_is_there() {
    let mut selector = Selector::new(Routing::ConfigBased);
    assert_eq!(select(&mut selector, &[1], "a", 7), Ok(1));
    assert_eq!(select(&mut selector, &[1], "b", 7), Ok(1));
    assert_eq!(select(&mut selector, &[1], "b", 8), Err(NoInstance));
    selector.release("a");
    assert_eq!(select(&mut selector, &[1], "c", 8), Err(NoInstance));
    selector.release("b");
    assert_eq!(select(&mut selector, &[1], "c", 8), Ok(1));
}

#[test]
fn an_instance_that_ended_is_chosen_no_more() {
    let mut selector = Selector::new(Routing::Sticky);
    assert_eq!(select(&mut selector, &[1, 2], "a", 0), Ok(1));
    selector.forget(1);
    assert_eq!(select(&mut selector, &[2], "a", 0), Ok(2));
    // Even when nobody said that it ended.
    assert_eq!(select(&mut selector, &[3], "a", 0), Ok(3));
}

#[test]
fn fingerprints_tell_configurations_apart() {
    let config = |value| Config::from([("a".to_owned(), value)]);
    let values = [
        ConfigValue::Integer(1),
        ConfigValue::Float(1.0),
        ConfigValue::Bool(true),
        ConfigValue::String("1".to_owned()),
    ];
    let prints: BTreeSet<_> = values
        .iter()
        .map(|value| fingerprint([&config(value.clone())]))
        .collect();
    assert_eq!(prints.len(), values.len());
    assert_eq!(
        fingerprint([&config(values[0].clone())]),
        fingerprint([&config(values[0].clone())])
    );
}

#[test]
fn few_tasks_need_few_instances() {
    assert_eq!(
        [surplus(0, 3), surplus(2, 3), surplus(3, 3), surplus(9, 3)],
        [3, 1, 0, 0]
    );
}
