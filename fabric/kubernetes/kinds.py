"""What objects of every kind that is known here can do to the network: a table by API group.

Rules that hold here:

1. A kind is *read* (in the versions listed), *irrelevant*, or decides who reaches whom in one of
   the ways of `WAYS`; a kind that no row names is *unknown* and may do anything.
2. What decides has a reach: the pods of its own namespace, or the whole cluster. Objects without a
   namespace have the cluster; so do namespaced ones that other namespaces' traffic obeys.
3. `*` stands for all other kinds of a group, `*.suffix` for all groups that end so. The exact row
   wins over `*`, and that over a suffix.

Source: the Kubernetes API reference (groups and kinds of 1.20 to 1.34, and those removed since
1.16) and the custom resource definitions of the projects named by their groups.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

READ, IRRELEVANT, UNKNOWN = "read", "irrelevant", "unknown"
NAMESPACE, CLUSTER, NODE = "namespace", "cluster", "node"

WAYS = {
    "policy": "a policy of a kind that cloison does not read",
    "mesh": "a service mesh obeys it",
    "door": "it leads packets to pods",
    "network": "it gives pods or nodes other networks, addresses or routes",
    "address": "it says which addresses are behind a name",
    "node": "a node with addresses of its own",
    "workload": "pods are made from it that are not in the input",
    "change": "it makes or changes other objects",
    "version": "cloison does not know this version of it",
    "field": "cloison does not read this field or annotation",
    "template": "objects are made from it that are not in the input",
    "tenant": "it has no pod and no node, so no packet of it was looked at",
    "unknown": "cloison does not know this kind",
}


class Meaning(NamedTuple):
    """What a kind does, and how far it reaches."""

    way: str
    reach: str = NAMESPACE


READ_VERSIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Namespace"): ("v1",),
    ("", "Node"): ("v1",),
    ("", "Pod"): ("v1",),
    ("", "ReplicationController"): ("v1",),
    ("", "Service"): ("v1",),
    ("apps", "DaemonSet"): ("v1", "v1beta2"),
    ("apps", "Deployment"): ("v1", "v1beta1", "v1beta2"),
    ("apps", "ReplicaSet"): ("v1", "v1beta2"),
    ("apps", "StatefulSet"): ("v1", "v1beta1", "v1beta2"),
    ("batch", "CronJob"): ("v1", "v1beta1", "v2alpha1"),
    ("batch", "Job"): ("v1",),
    ("extensions", "DaemonSet"): ("v1beta1",),
    ("extensions", "Deployment"): ("v1beta1",),
    ("extensions", "ReplicaSet"): ("v1beta1",),
    ("networking.k8s.io", "NetworkPolicy"): ("v1",),
    ("project.openshift.io", "Project"): ("v1",),
    ("apps.kruise.io", "CloneSet"): ("v1alpha1", "v1beta1"),
    ("apps.kruise.io", "DaemonSet"): ("v1alpha1", "v1beta1"),
    ("apps.kruise.io", "StatefulSet"): ("v1alpha1", "v1beta1"),
    ("apps.openshift.io", "DeploymentConfig"): ("v1",),
    ("argoproj.io", "Rollout"): ("v1alpha1",),
    ("batch.volcano.sh", "Job"): ("v1alpha1",),
    ("jobset.x-k8s.io", "JobSet"): ("v1alpha2",),
    **{
        ("kubeflow.org", f"{framework}Job"): ("v1",)
        for framework in ("JAX", "MPI", "Paddle", "PyTorch", "TF", "XGBoost")
    },
    ("kubevirt.io", "VirtualMachine"): ("v1", "v1alpha3"),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): ("v1",),
    ("ray.io", "RayCluster"): ("v1", "v1alpha1"),
    ("serving.knative.dev", "Service"): ("v1",),
}

BUILT_IN = """
core                             irrelevant          Binding ComponentStatus Config ConfigMap Event
core                             irrelevant          LimitRange PersistentVolume PodTemplate
core                             irrelevant          PersistentVolumeClaim ResourceQuota Secret
core                             irrelevant          ServiceAccount
core                             irrelevant          Eviction NodeProxyOptions PodStatusResult Scale
core                             irrelevant          RangeAllocation SerializedReference Status
core                             address             Endpoints
admission.k8s.io                 irrelevant          *
admissionregistration.k8s.io     irrelevant          ValidatingAdmissionPolicy
admissionregistration.k8s.io     irrelevant          ValidatingAdmissionPolicyBinding
admissionregistration.k8s.io     irrelevant          ValidatingWebhookConfiguration
admissionregistration.k8s.io     change cluster      MutatingAdmissionPolicy
admissionregistration.k8s.io     change cluster      MutatingAdmissionPolicyBinding
admissionregistration.k8s.io     change cluster      MutatingWebhookConfiguration
apiextensions.k8s.io             irrelevant          *
apiregistration.k8s.io           irrelevant          *
apiserver.config.k8s.io          irrelevant          *
apiserver.k8s.io                 irrelevant          *
apps                             irrelevant          ControllerRevision Scale
audit.k8s.io                     irrelevant          *
authentication.k8s.io            irrelevant          *
authorization.k8s.io             irrelevant          *
autoscaling                      irrelevant          HorizontalPodAutoscaler Scale
certificates.k8s.io              irrelevant          *
checkpoint.k8s.io                irrelevant          *
client.authentication.k8s.io     irrelevant          *
coordination.k8s.io              irrelevant          *
discovery.k8s.io                 address             EndpointSlice
events.k8s.io                    irrelevant          *
extensions                       door                Ingress
extensions                       policy              NetworkPolicy
extensions                       irrelevant          PodSecurityPolicy Scale
flowcontrol.apiserver.k8s.io     irrelevant          *
imagepolicy.k8s.io               irrelevant          *
internal.apiserver.k8s.io        irrelevant          *
kubeadm.k8s.io                   irrelevant          *
kubelet.config.k8s.io            irrelevant          *
kubeproxy.config.k8s.io          irrelevant          *
kubescheduler.config.k8s.io      irrelevant          *
lifecycle.k8s.io                 irrelevant          *
metrics.k8s.io                   irrelevant          *
networking.k8s.io                door                Ingress
networking.k8s.io                irrelevant          IngressClass IPAddress ServiceCIDR
networking.k8s.io                network cluster     ClusterCIDR
node.k8s.io                      irrelevant          *
policy                           irrelevant          Eviction PodDisruptionBudget PodSecurityPolicy
rbac.authorization.k8s.io        irrelevant          *
resource.k8s.io                  irrelevant          *
scheduling.k8s.io                irrelevant          *
settings.k8s.io                  change              PodPreset
storage.k8s.io                   irrelevant          *
storagemigration.k8s.io          irrelevant          *
"""

POLICIES = """
policy.networking.k8s.io         policy cluster      *
cilium.io                        policy              CiliumNetworkPolicy
cilium.io                        door                CiliumLocalRedirectPolicy
cilium.io                        mesh                CiliumEnvoyConfig
cilium.io                        network cluster     CiliumEgressGatewayPolicy CiliumPodIPPool
cilium.io                        network cluster     CiliumBGPPeeringPolicy CiliumBGPAdvertisement
cilium.io                        network cluster     CiliumBGPClusterConfig CiliumBGPPeerConfig
cilium.io                        network cluster     CiliumBGPNodeConfig CiliumNodeConfig
cilium.io                        irrelevant          CiliumEndpoint CiliumEndpointSlice
cilium.io                        irrelevant          CiliumIdentity CiliumNode
cilium.io                        irrelevant          CiliumLoadBalancerIPPool
cilium.io                        irrelevant          CiliumL2AnnouncementPolicy
cilium.io                        policy cluster      *
isovalent.com                    policy cluster      *
crd.projectcalico.org            policy              NetworkPolicy NetworkSet
crd.projectcalico.org            network cluster     IPPool BGPPeer BGPConfiguration BGPFilter
crd.projectcalico.org            irrelevant          StagedNetworkPolicy StagedGlobalNetworkPolicy
crd.projectcalico.org            irrelevant          StagedKubernetesNetworkPolicy IPAMBlock
crd.projectcalico.org            irrelevant          BlockAffinity IPAMHandle IPAMConfig
crd.projectcalico.org            irrelevant          ClusterInformation CalicoNodeStatus
crd.projectcalico.org            irrelevant          KubeControllersConfiguration IPReservation
crd.projectcalico.org            policy cluster      *
projectcalico.org                policy              NetworkPolicy NetworkSet
projectcalico.org                network cluster     IPPool BGPPeer BGPConfiguration BGPFilter
projectcalico.org                irrelevant          StagedNetworkPolicy StagedGlobalNetworkPolicy
projectcalico.org                irrelevant          StagedKubernetesNetworkPolicy IPReservation
projectcalico.org                irrelevant          ClusterInformation CalicoNodeStatus
projectcalico.org                policy cluster      *
operator.tigera.io               network cluster     *
crd.antrea.io                    policy              NetworkPolicy Group
crd.antrea.io                    address             ExternalEntity
crd.antrea.io                    irrelevant          AntreaAgentInfo AntreaControllerInfo Traceflow
crd.antrea.io                    irrelevant          PacketCapture SupportBundleCollection
crd.antrea.io                    irrelevant          NodeLatencyMonitor
crd.antrea.io                    policy cluster      *
*.antrea.io                      policy cluster      *
*.antrea.tanzu.vmware.com        policy cluster      *
network.openshift.io             policy              EgressNetworkPolicy
network.openshift.io             network cluster     *
vpcresources.k8s.aws             policy              SecurityGroupPolicy
vpcresources.k8s.aws             irrelevant          CNINode
networking.k8s.aws               irrelevant          PolicyEndpoint
networking.k8s.aws               policy cluster      *
capsule.clastix.io               change cluster      *
hnc.x-k8s.io                     change cluster      *
kyverno.io                       irrelevant          PolicyException CleanupPolicy
kyverno.io                       irrelevant          ClusterCleanupPolicy
kyverno.io                       change              Policy
kyverno.io                       change cluster      *
policies.kyverno.io              change cluster      *
reports.kyverno.io               irrelevant          *
wgpolicyk8s.io                   irrelevant          *
mutations.gatekeeper.sh          change cluster      *
*.gatekeeper.sh                  irrelevant          *
"""

NETWORKS = """
k8s.cni.cncf.io                  policy              MultiNetworkPolicy
k8s.cni.cncf.io                  irrelevant          IPAMClaim
k8s.cni.cncf.io                  network             *
whereabouts.cni.cncf.io          irrelevant          *
k8s.ovn.org                      policy              EgressFirewall
k8s.ovn.org                      network             EgressService UserDefinedNetwork
k8s.ovn.org                      irrelevant          EgressQoS NetworkQoS
k8s.ovn.org                      network cluster     *
kubeovn.io                       irrelevant          QoSPolicy IP
kubeovn.io                       network cluster     *
sriovnetwork.openshift.io        irrelevant          SriovNetworkNodeState
sriovnetwork.openshift.io        network cluster     *
mellanox.com                     irrelevant          NicDevice
mellanox.com                     network cluster     *
*.dpu.nvidia.com                 network cluster     *
resource.nvidia.com              network             *
nmstate.io                       network cluster     *
danm.k8s.io                      network cluster     *
networkservicemesh.io            network             *
submariner.io                    network cluster     *
network.harvesterhci.io          network cluster     *
crd.k8s.amazonaws.com            network cluster     *
operator.openshift.io            network cluster     Network
operator.openshift.io            door cluster        IngressController
config.openshift.io              network cluster     Network
config.openshift.io              door cluster        Ingress
config.openshift.io              irrelevant          *
metallb.io                       irrelevant          *
externaldns.k8s.io               irrelevant          *
"""

DOORS = """
gateway.networking.k8s.io        irrelevant          GatewayClass ReferenceGrant
gateway.networking.k8s.io        door                *
gateway.networking.x-k8s.io      door                *
inference.networking.k8s.io      door                *
inference.networking.x-k8s.io    door                *
multicluster.x-k8s.io            door                *
route.openshift.io               door                Route
traefik.io                       door                *
traefik.containo.us              door                *
projectcontour.io                door                *
configuration.konghq.com         door                *
getambassador.io                 door                *
k8s.nginx.org                    door                *
gateway.envoyproxy.io            door                *
gateway.solo.io                  door                *
elbv2.k8s.aws                    irrelevant          IngressClassParams
elbv2.k8s.aws                    door                *
networking.gke.io                policy              FQDNNetworkPolicy
networking.gke.io                irrelevant          ManagedCertificate FrontendConfig
networking.gke.io                irrelevant          NetworkLogging
networking.gke.io                network cluster     Network GKENetworkParamSet
networking.gke.io                door                *
cloud.google.com                 irrelevant          BackendConfig
networking.istio.io              mesh cluster        *
security.istio.io                mesh                *
extensions.istio.io              mesh                *
telemetry.istio.io               irrelevant          *
install.istio.io                 workload cluster    *
sailoperator.io                  workload cluster    *
policy.linkerd.io                mesh                *
linkerd.io                       mesh                *
*.smi-spec.io                    mesh                *
consul.hashicorp.com             mesh cluster        *
kuma.io                          mesh cluster        *
appmesh.k8s.aws                  mesh cluster        *
"""

WORKLOADS = """
argoproj.io                      workload cluster    Application ApplicationSet
argoproj.io                      irrelevant          AppProject AnalysisTemplate
argoproj.io                      irrelevant          ClusterAnalysisTemplate
argoproj.io                      workload            *
apps.openshift.io                workload            *
build.openshift.io               workload            *
template.openshift.io            workload            *
serving.knative.dev              door                Route DomainMapping
serving.knative.dev              workload            *
*.knative.dev                    workload            *
apps.kruise.io                   change cluster      SidecarSet
apps.kruise.io                   irrelevant          WorkloadSpread PodUnavailableBudget
apps.kruise.io                   workload            *
kubevirt.io                      workload cluster    KubeVirt
kubevirt.io                      irrelevant          VirtualMachineInstanceMigration
kubevirt.io                      workload            *
pool.kubevirt.io                 workload            *
cdi.kubevirt.io                  workload            *
instancetype.kubevirt.io         irrelevant          *
snapshot.kubevirt.io             irrelevant          *
keda.sh                          workload            ScaledJob
keda.sh                          irrelevant          *
helm.toolkit.fluxcd.io           workload cluster    *
kustomize.toolkit.fluxcd.io      workload cluster    *
source.toolkit.fluxcd.io         irrelevant          *
notification.toolkit.fluxcd.io   irrelevant          *
image.toolkit.fluxcd.io          irrelevant          *
helm.cattle.io                   workload cluster    *
fleet.cattle.io                  workload cluster    *
operators.coreos.com             workload            *
kubeflow.org                     workload cluster    Profile
kubeflow.org                     workload            *
trainer.kubeflow.org             workload            *
jobset.x-k8s.io                  workload            *
leaderworkerset.x-k8s.io         workload            *
batch.volcano.sh                 workload            *
flow.volcano.sh                  workload            *
scheduling.volcano.sh            irrelevant          *
kueue.x-k8s.io                   irrelevant          *
ray.io                           workload            *
serving.kserve.io                workload            *
sparkoperator.k8s.io             workload            *
flink.apache.org                 workload            *
kafka.strimzi.io                 irrelevant          KafkaTopic KafkaUser
kafka.strimzi.io                 workload            *
postgresql.cnpg.io               workload            *
acid.zalan.do                    workload            *
rabbitmq.com                     workload            RabbitmqCluster
rabbitmq.com                     irrelevant          *
*.k8s.elastic.co                 workload            *
minio.min.io                     workload            *
ceph.rook.io                     workload            *
nvidia.com                       workload cluster    *
monitoring.coreos.com            irrelevant          ServiceMonitor PodMonitor Probe ScrapeConfig
monitoring.coreos.com            irrelevant          PrometheusRule AlertmanagerConfig
monitoring.coreos.com            workload            *
grafana.integreatly.org          workload            Grafana
grafana.integreatly.org          irrelevant          *
opentelemetry.io                 change              Instrumentation
opentelemetry.io                 workload            *
tekton.dev                       irrelevant          Task ClusterTask Pipeline
tekton.dev                       workload            *
triggers.tekton.dev              workload            EventListener
triggers.tekton.dev              irrelevant          *
"""

SILENT = """
cert-manager.io                  irrelevant          *
acme.cert-manager.io             workload            *
trust.cert-manager.io            irrelevant          *
external-secrets.io              irrelevant          *
generators.external-secrets.io   irrelevant          *
bitnami.com                      irrelevant          SealedSecret
secrets-store.csi.x-k8s.io       irrelevant          *
secrets.hashicorp.com            irrelevant          *
snapshot.storage.k8s.io          irrelevant          *
groupsnapshot.storage.k8s.io     irrelevant          *
velero.io                        irrelevant          *
longhorn.io                      irrelevant          *
autoscaling.k8s.io               irrelevant          *
karpenter.sh                     irrelevant          *
karpenter.k8s.aws                irrelevant          *
cluster.x-k8s.io                 irrelevant          *
*.cluster.x-k8s.io               irrelevant          *
machine.openshift.io             irrelevant          *
machineconfiguration.openshift.io  irrelevant        *
security.openshift.io            irrelevant          *
image.openshift.io               irrelevant          *
project.openshift.io             irrelevant          *
quota.openshift.io               irrelevant          *
user.openshift.io                irrelevant          *
oauth.openshift.io               irrelevant          *
authorization.openshift.io       irrelevant          *
nfd.k8s-sigs.io                  irrelevant          NodeFeature NodeFeatureRule NodeFeatureGroup
app.k8s.io                       irrelevant          *
catalog.cattle.io                irrelevant          *
"""


@cache
def table() -> dict[tuple[str, str], Meaning]:
    """Meaning by (group, kind), both as the rows write them."""
    out: dict[tuple[str, str], Meaning] = {}
    for line in "".join((BUILT_IN, POLICIES, NETWORKS, DOORS, WORKLOADS, SILENT)).splitlines():
        group, way, *rest = line.split() or ("", "")
        reach = rest.pop(0) if rest and rest[0] in (NAMESPACE, CLUSTER, NODE) else NAMESPACE
        for kind in rest:
            key = "" if group == "core" else group, kind
            assert key not in out, f"{key} stands twice"
            out[key] = Meaning(way, reach)
    return out


def meaning(group: str, version: str, kind: str) -> Meaning:
    """What objects of a kind do.

    >>> meaning("policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy")
    Meaning(way='policy', reach='cluster')
    >>> meaning("apps", "v1", "Deployment").way, meaning("apps", "v3", "Deployment").way
    ('read', 'version')
    >>> meaning("constraints.gatekeeper.sh", "v1", "K8sRequiredLabels").way
    'irrelevant'
    >>> meaning("example.org", "v1", "Thing").way
    'unknown'
    """
    if (group, kind) in READ_VERSIONS:
        known = version in READ_VERSIONS[group, kind]
        whole = kind in ("Namespace", "Project")
        return Meaning(READ if known else "version", CLUSTER if whole else NAMESPACE)
    rows = table()
    parts = group.split(".")
    suffixes = ("*." + ".".join(parts[i:]) for i in range(1, len(parts)))
    for key in ((group, kind), (group, "*"), *((suffix, "*") for suffix in suffixes)):
        if key in rows:
            return rows[key]
    return Meaning(UNKNOWN)
