"""The rows of the table of kinds: API group, what its objects do, how far that reaches, and kinds.

`fabric.kubernetes.files.kinds` says what the words mean. What makes objects that are not in the
input is of the cluster where these may be of any namespace; what only waits to be used by another
object (a Task, a template) is irrelevant, and the object that uses it is not.

Source: the Kubernetes API reference (groups and kinds of 1.20 to 1.34, and those removed since
1.16) and the custom resource definitions of the projects named by their groups.
"""

from __future__ import annotations

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
kubeproxy.config.k8s.io          network cluster     *
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
kyverno.io                       irrelevant          PolicyException
kyverno.io                       change              Policy CleanupPolicy
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
metallb.io                       workload            MetalLB
metallb.io                       irrelevant          *
frrk8s.metallb.io                irrelevant          FRRNodeState
frrk8s.metallb.io                network cluster     *
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
multicluster.linkerd.io          mesh cluster        *
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
apps.kruise.io                   change              WorkloadSpread
apps.kruise.io                   irrelevant          PodUnavailableBudget
apps.kruise.io                   workload            *
kubevirt.io                      workload cluster    KubeVirt
kubevirt.io                      irrelevant          VirtualMachineInstanceMigration
kubevirt.io                      workload            *
pool.kubevirt.io                 workload            *
cdi.kubevirt.io                  workload            *
instancetype.kubevirt.io         irrelevant          *
snapshot.kubevirt.io             change              VirtualMachineRestore
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
k3s.cattle.io                    workload cluster    Addon
fluxcd.controlplane.io           workload cluster    *
infra.contrib.fluxcd.io          workload cluster    *
gitops.kluctl.io                 workload cluster    *
kappctrl.k14s.io                 workload cluster    *
packaging.carvel.dev             workload cluster    PackageInstall
core.oam.dev                     workload cluster    *
*.crossplane.io                  workload cluster    *
*.open-cluster-management.io     workload cluster    *
addons.cluster.x-k8s.io          workload cluster    *
operator.cluster.x-k8s.io        workload cluster    *
infrastructure.cluster.x-k8s.io  workload            VCluster KubevirtCluster KubevirtMachine
controlplane.cluster.x-k8s.io    workload            KamajiControlPlane K0smotronControlPlane
operators.coreos.com             workload cluster    ClusterServiceVersion InstallPlan Subscription
operators.coreos.com             workload            *
olm.operatorframework.io         workload cluster    *
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
velero.io                        change cluster      Restore
velero.io                        irrelevant          *
longhorn.io                      workload            BackingImageDataSource BackingImageManager
longhorn.io                      workload            InstanceManager RecurringJob ShareManager
longhorn.io                      workload            SystemRestore
longhorn.io                      irrelevant          *
autoscaling.k8s.io               irrelevant          *
karpenter.sh                     irrelevant          *
karpenter.k8s.aws                irrelevant          *
cluster.x-k8s.io                 irrelevant          *
*.cluster.x-k8s.io               irrelevant          *
machine.openshift.io             irrelevant          *
machineconfiguration.openshift.io  network cluster   MachineConfig
machineconfiguration.openshift.io  irrelevant        *
security.openshift.io            irrelevant          *
image.openshift.io               irrelevant          *
project.openshift.io             change cluster      ProjectRequest
project.openshift.io             irrelevant          *
quota.openshift.io               irrelevant          *
user.openshift.io                irrelevant          *
oauth.openshift.io               irrelevant          *
authorization.openshift.io       irrelevant          *
nfd.k8s-sigs.io                  irrelevant          NodeFeature NodeFeatureRule NodeFeatureGroup
app.k8s.io                       irrelevant          *
catalog.cattle.io                irrelevant          *
"""

ROWS = (BUILT_IN, POLICIES, NETWORKS, DOORS, WORKLOADS, SILENT)
