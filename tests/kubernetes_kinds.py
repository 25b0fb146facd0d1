"""Kinds of objects by hand, from the API reference and from projects' documentation: what a test of
`fabric.kubernetes.files.kinds` compares with. *decides* says that an object of the kind may decide
who reaches whom.
"""

from __future__ import annotations

READ = {
    "v1": "Namespace Node Pod ReplicationController Service",
    "apps/v1": "DaemonSet Deployment ReplicaSet StatefulSet",
    "batch/v1": "CronJob Job",
    "networking.k8s.io/v1": "NetworkPolicy",
}
"""Built-in kinds that are evaluated."""

IRRELEVANT = {
    "v1": "Binding ComponentStatus ConfigMap Event LimitRange PersistentVolume "
    "PersistentVolumeClaim PodTemplate ResourceQuota Secret ServiceAccount",
    "admissionregistration.k8s.io/v1": "ValidatingAdmissionPolicy "
    "ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "apiregistration.k8s.io/v1": "APIService",
    "apps/v1": "ControllerRevision",
    "authentication.k8s.io/v1": "SelfSubjectReview TokenRequest TokenReview",
    "authorization.k8s.io/v1": "LocalSubjectAccessReview SelfSubjectAccessReview "
    "SelfSubjectRulesReview SubjectAccessReview",
    "autoscaling/v1": "HorizontalPodAutoscaler Scale",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "certificates.k8s.io/v1": "CertificateSigningRequest",
    "certificates.k8s.io/v1alpha1": "ClusterTrustBundle PodCertificateRequest",
    "coordination.k8s.io/v1": "Lease",
    "coordination.k8s.io/v1alpha2": "LeaseCandidate",
    "events.k8s.io/v1": "Event",
    "flowcontrol.apiserver.k8s.io/v1": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io/v1alpha1": "StorageVersion",
    "networking.k8s.io/v1": "IPAddress IngressClass ServiceCIDR",
    "node.k8s.io/v1": "RuntimeClass",
    "policy/v1": "Eviction PodDisruptionBudget",
    "policy/v1beta1": "PodSecurityPolicy",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "resource.k8s.io/v1": "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
    "resource.k8s.io/v1alpha3": "DeviceTaintRule",
    "scheduling.k8s.io/v1": "PriorityClass",
    "storage.k8s.io/v1": "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment "
    "VolumeAttributesClass",
    "storagemigration.k8s.io/v1beta1": "StorageVersionMigration",
    "checkpoint.k8s.io/v1alpha1": "PodCheckpoint",
    "lifecycle.k8s.io/v1alpha1": "Eviction",
}
"""Built-in kinds that cannot decide who reaches whom."""

DECIDES = {
    "v1": "Endpoints",
    "admissionregistration.k8s.io/v1": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
    "MutatingWebhookConfiguration",
    "discovery.k8s.io/v1": "EndpointSlice",
    "networking.k8s.io/v1": "Ingress",
    "networking.k8s.io/v1alpha1": "ClusterCIDR",
    "settings.k8s.io/v1alpha1": "PodPreset",
    # Versions that are not read, of kinds that are.
    "extensions/v1beta1": "Ingress NetworkPolicy",
    "networking.k8s.io/v1beta1": "NetworkPolicy",
    "apps/v2": "Deployment",
}
"""Built-in kinds that may, and are not evaluated."""

CUSTOM = {
    "policy.networking.k8s.io/v1alpha1": "AdminNetworkPolicy BaselineAdminNetworkPolicy",
    "policy.networking.k8s.io/v1alpha2": "ClusterNetworkPolicy",
    "cilium.io/v2": "CiliumNetworkPolicy CiliumClusterwideNetworkPolicy CiliumLocalRedirectPolicy "
    "CiliumEgressGatewayPolicy CiliumEnvoyConfig",
    "crd.projectcalico.org/v1": "NetworkPolicy GlobalNetworkPolicy GlobalNetworkSet IPPool "
    "HostEndpoint",
    "projectcalico.org/v3": "NetworkPolicy GlobalNetworkPolicy",
    "crd.antrea.io/v1beta1": "NetworkPolicy ClusterNetworkPolicy Egress",
    "gateway.networking.k8s.io/v1": "Gateway HTTPRoute GRPCRoute TLSRoute",
    "networking.istio.io/v1": "VirtualService DestinationRule Gateway ServiceEntry Sidecar",
    "security.istio.io/v1": "AuthorizationPolicy PeerAuthentication",
    "policy.linkerd.io/v1beta1": "Server ServerAuthorization",
    "consul.hashicorp.com/v1alpha1": "ServiceIntentions",
    "k8s.ovn.org/v1": "EgressFirewall EgressIP UserDefinedNetwork ClusterUserDefinedNetwork",
    "k8s.cni.cncf.io/v1": "NetworkAttachmentDefinition",
    "k8s.cni.cncf.io/v1beta1": "MultiNetworkPolicy",
    "kubeovn.io/v1": "Subnet Vpc",
    "sriovnetwork.openshift.io/v1": "SriovNetwork SriovNetworkNodePolicy",
    "route.openshift.io/v1": "Route",
    "apps.openshift.io/v1": "DeploymentConfig",
    "traefik.io/v1alpha1": "IngressRoute",
    "projectcontour.io/v1": "HTTPProxy",
    "vpcresources.k8s.aws/v1beta1": "SecurityGroupPolicy",
    "argoproj.io/v1alpha1": "Rollout Workflow Application ApplicationSet",
    "serving.knative.dev/v1": "Service",
    "apps.kruise.io/v1alpha1": "CloneSet SidecarSet WorkloadSpread",
    "apps.kruise.io/v1beta1": "StatefulSet",
    "kubevirt.io/v1": "VirtualMachine",
    "keda.sh/v1alpha1": "ScaledJob",
    "helm.toolkit.fluxcd.io/v2": "HelmRelease",
    "kubeflow.org/v1": "PyTorchJob MPIJob",
    "jobset.x-k8s.io/v1alpha2": "JobSet",
    "ray.io/v1": "RayCluster",
    "batch.volcano.sh/v1alpha1": "Job",
    "kyverno.io/v1": "ClusterPolicy Policy",
    "kyverno.io/v2": "CleanupPolicy ClusterCleanupPolicy",
    "velero.io/v1": "Restore",
    "addons.cluster.x-k8s.io/v1beta1": "ClusterResourceSet",
    "addons.cluster.x-k8s.io/v1alpha1": "HelmChartProxy",
    "infrastructure.cluster.x-k8s.io/v1alpha1": "VCluster KubevirtMachine",
    "operator.cluster.x-k8s.io/v1alpha2": "CoreProvider",
    "helm.cattle.io/v1": "HelmChart HelmChartConfig",
    "kustomize.toolkit.fluxcd.io/v1": "Kustomization",
    "fluxcd.controlplane.io/v1": "FluxInstance ResourceSet",
    "kappctrl.k14s.io/v1alpha1": "App",
    "core.oam.dev/v1beta1": "Application",
    "apiextensions.crossplane.io/v1": "Composition CompositeResourceDefinition",
    "kubernetes.m.crossplane.io/v1alpha1": "Object",
    "work.open-cluster-management.io/v1": "ManifestWork",
    "operators.coreos.com/v1alpha1": "CatalogSource ClusterServiceVersion InstallPlan Subscription",
    "olm.operatorframework.io/v1": "ClusterExtension",
    "capsule.clastix.io/v1beta2": "Tenant GlobalTenantResource TenantResource",
    "hnc.x-k8s.io/v1alpha2": "HierarchyConfiguration SubnamespaceAnchor",
    "project.openshift.io/v1": "ProjectRequest",
    "longhorn.io/v1beta2": "RecurringJob ShareManager",
    "snapshot.kubevirt.io/v1beta1": "VirtualMachineRestore",
    "multicluster.x-k8s.io/v1alpha1": "ServiceExport ServiceImport",
    "submariner.io/v1": "Cluster Endpoint GlobalIngressIP",
    "multicluster.linkerd.io/v1alpha1": "Link",
    "frrk8s.metallb.io/v1beta1": "FRRConfiguration",
    "kubeproxy.config.k8s.io/v1alpha1": "KubeProxyConfiguration",
    "tekton.dev/v1": "PipelineRun TaskRun",
    "triggers.tekton.dev/v1beta1": "EventListener",
    "mutations.gatekeeper.sh/v1": "Assign",
    "monitoring.coreos.com/v1": "Prometheus Alertmanager",
    "example.org/v1": "NobodyKnows",
}
"""Kinds of other projects that may, and are not evaluated."""

CUSTOM_IRRELEVANT = {
    "cert-manager.io/v1": "Certificate ClusterIssuer Issuer",
    "monitoring.coreos.com/v1": "PodMonitor PrometheusRule ServiceMonitor",
    "external-secrets.io/v1": "ExternalSecret",
    "bitnami.com/v1alpha1": "SealedSecret",
    "constraints.gatekeeper.sh/v1beta1": "K8sRequiredLabels",
    "keda.sh/v1alpha1": "ScaledObject",
    "autoscaling.k8s.io/v1": "VerticalPodAutoscaler",
    "kueue.x-k8s.io/v1beta1": "LocalQueue",
    "cilium.io/v2": "CiliumEndpoint CiliumIdentity CiliumLoadBalancerIPPool",
    "metallb.io/v1beta1": "IPAddressPool L2Advertisement",
    "velero.io/v1": "Backup Schedule BackupStorageLocation",
    "cluster.x-k8s.io/v1beta1": "Cluster MachineDeployment",
    "longhorn.io/v1beta2": "Volume",
    "tekton.dev/v1": "Task Pipeline",
    "source.toolkit.fluxcd.io/v1": "GitRepository HelmRepository",
    "grafana.integreatly.org/v1beta1": "GrafanaDashboard",
    "snapshot.storage.k8s.io/v1": "VolumeSnapshot",
    "nfd.k8s-sigs.io/v1alpha1": "NodeFeature",
}
"""Kinds of other projects that cannot."""


def listed(*tables: dict[str, str]) -> list[tuple[str, str]]:
    """(API version, kind) of all."""
    return [(v, kind) for table in tables for v, kinds in table.items() for kind in kinds.split()]
