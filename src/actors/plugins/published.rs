//! All that is loaded, as one value: replaced with every change, so that nobody ever sees half of one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use crate::workflow::{
    PluginKey,
    catalogue::Catalogue,
    config::GlobalConfig,
    manifest::Manifest,
    plan::{self, Plan, PlanError, Scope},
};

use super::{PluginsView, pool::Pool};

/// What is published.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) view: Arc<PluginsView>,
    pub(super) pools: BTreeMap<PluginKey, Arc<Pool>>,
    /// Pools of unloaded plugins that tasks hold until they have changed over.
    retired: Vec<Weak<Pool>>,
}

impl Published {
    /// The same with this plugin.
    pub(super) fn with(&self, pool: Arc<Pool>) -> Self {
        let mut pools = self.pools.clone();
        pools.insert(pool.loaded.key().clone(), pool);
        self.next(pools, self.retired.clone())
    }

    /// The same without this plugin.
    pub(super) fn without(&self, key: &PluginKey) -> Self {
        let mut pools = self.pools.clone();
        let mut retired = self.retired.clone();
        retired.retain(|pool| pool.strong_count() > 0);
        retired.extend(pools.remove(key).map(|pool| Arc::downgrade(&pool)));
        self.next(pools, retired)
    }

    /// The same with another configuration.
    pub(super) fn with_config(&self, config: GlobalConfig) -> Self {
        Self {
            view: Arc::new(PluginsView {
                loaded: self.view.loaded.clone(),
                catalogue: self.view.catalogue.clone(),
                config,
                epoch: self.view.epoch + 1,
            }),
            pools: self.pools.clone(),
            retired: self.retired.clone(),
        }
    }

    /// Every pool that may have instances.
    pub(super) fn all_pools(&self) -> Vec<Arc<Pool>> {
        let retired = self.retired.iter().filter_map(Weak::upgrade);
        self.pools.values().cloned().chain(retired).collect()
    }

    /// What a task means.
    pub(super) fn resolve(&self, manifest: &Manifest) -> Result<Plan, Vec<PlanError>> {
        resolve(manifest, &self.view)
    }

    /// The tasks among these that mean nothing without that plugin.
    pub(super) fn need(&self, key: &PluginKey, tasks: Vec<(Arc<str>, Arc<Manifest>)>) -> Vec<String> {
        if tasks.is_empty() {
            return vec![];
        }
        let rest = self.without(key).view;
        let needs = |(task, manifest): (Arc<str>, Arc<Manifest>)| {
            resolve(&manifest, &rest).is_err().then(|| task.as_ref().to_owned())
        };
        tasks.into_iter().filter_map(needs).collect()
    }

    fn next(&self, pools: BTreeMap<PluginKey, Arc<Pool>>, retired: Vec<Weak<Pool>>) -> Self {
        let loaded: Vec<_> = pools.values().map(|pool| Arc::clone(&pool.loaded)).collect();
        let offers = loaded.iter().map(|loaded| {
            let description = &loaded.description;
            (loaded.key().clone(), &*description.metrics, &description.policy)
        });
        let view = PluginsView {
            catalogue: Catalogue::new(offers),
            loaded,
            config: self.view.config.clone(),
            epoch: self.view.epoch + 1,
        };
        Self {
            view: Arc::new(view),
            pools,
            retired,
        }
    }
}

fn resolve(manifest: &Manifest, view: &PluginsView) -> Result<Plan, Vec<PlanError>> {
    let plugins: Vec<_> = view
        .loaded
        .iter()
        .map(|loaded| (loaded.key(), &loaded.description.policy))
        .collect();
    let scope = Scope {
        catalogue: &view.catalogue,
        plugins: &plugins,
        config: &view.config,
    };
    plan::resolve(manifest, scope)
}
