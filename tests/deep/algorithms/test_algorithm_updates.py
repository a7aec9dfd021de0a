"""One update of each algorithm against the same update written out agent by agent, in double precision.

The references know nothing of stacked networks, sharing, heads, mixers, replay or optimiser of the library: they read
the weights by name, write the paper's loss as it is printed, and take one step of Adam with a clipped gradient.
"""

import itertools
import math

import pytest
import torch

from marlgt.deep import C51, DQN, IDQN, IQN, JALAM, QMIX, QRDQN, QTRAN, VDN
from marlgt.deep.algorithms.value_algorithm import Spec
from marlgt.deep.learners.value_learner import ValueLearner
from marlgt.deep.networks import heads
from marlgt.deep.replay.store import Batch

pytestmark = pytest.mark.usefixtures("one_thread")

SEEDS, WINDOWS, AGENTS, ACTIONS, SEEN, STATE = (3, 8), 6, 2, 3, 4, 5
COMMON = {"hidden": (7, 6), "lr": 1e-2, "adam_epsilon": 1e-4, "clip": 0.1, "discount": 0.9, "batch_size": WINDOWS}
GAMMA = COMMON["discount"]


def made_learner(algorithm, *, common_reward=True):
    spec = Spec(AGENTS, ACTIONS, SEEN, STATE, common_reward, True)
    learner = ValueLearner(algorithm, spec, SEEDS, steps=1000)
    # A target network that is not the network, so that taking one for the other is seen.
    noise = torch.randn(learner.target_parameters.values.shape, generator=torch.Generator().manual_seed(1))
    learner.target_parameters.values.add_(0.2 * noise)
    return learner


def made_batch(length=1, memory=0, *, team=True, seed=0):
    draw = torch.Generator().manual_seed(seed)
    shape = (len(SEEDS), length, WINDOWS)

    def normal(*more):
        return torch.randn(*shape, *more, generator=draw)

    def mask():
        allowed = torch.rand(*shape, AGENTS, ACTIONS, generator=draw) < 0.6
        allowed[..., 1] |= ~allowed.any(-1)
        return allowed

    ends = torch.rand(*shape, generator=draw) < 0.4
    terminated = ends & (torch.rand(*shape, generator=draw) < 0.5)
    starts = torch.zeros_like(ends)
    starts[:, 1:] = ends[:, :-1]
    starts[:, 0, 0] = True
    rewards = normal(1 if team else AGENTS).expand(*shape, AGENTS).contiguous()
    allowed = mask()
    actions = torch.rand(allowed.shape, generator=draw).masked_fill(~allowed, -1.0).argmax(-1)
    return Batch(
        observations=normal(AGENTS, SEEN),
        actions=actions,
        rewards=rewards,
        discounts=GAMMA * (~terminated).float(),
        reached=normal(AGENTS, SEEN),
        starts=starts,
        ends=ends,
        allowed=allowed,
        reached_allowed=mask(),
        states=normal(STATE),
        reached_states=normal(STATE),
        memory=torch.randn(len(SEEDS), WINDOWS, AGENTS, memory, generator=draw) if memory else None,
        weights=torch.ones(len(SEEDS), WINDOWS),
        indices=torch.zeros(len(SEEDS), WINDOWS, dtype=torch.int64),
    )


class Plain:
    """The networks of one seed, in double precision, by name."""

    def __init__(self, module, seed, agents_share, grad):
        self.share = agents_share
        self.p = {}
        for name, parameter in module.named_parameters():
            height = parameter.shape[0] // len(SEEDS)
            rows = parameter.detach()[seed * height : (seed + 1) * height].double().clone()
            self.p[name] = rows.requires_grad_(grad)

    def layers(self, name, k, x, activation, activate_last=False):
        depth = sum(key.startswith(f"{name}.layers.") and key.endswith("weight") for key in self.p)
        for number in range(depth):
            x = x @ self.p[f"{name}.layers.{number}.weight"][k] + self.p[f"{name}.layers.{number}.bias"][k, 0]
            if activate_last or number < depth - 1:
                x = activation(x)
        return x

    def torso(self, agent, observations):
        if self.share == "all":
            name = torch.zeros(*observations.shape[:-1], AGENTS, dtype=torch.float64)
            name[..., agent] = 1.0
            observations = torch.cat((observations, name), -1)
        return self.layers("agents.torso", self.k(agent), observations, torch.relu, activate_last=True)

    def k(self, agent):
        return 0 if self.share == "all" else agent

    def remember(self, agent, seen, memory):
        k, size = self.k(agent), seen.shape[-1]
        mine = seen @ self.p["agents.memory.weight_input"][k] + self.p["agents.memory.bias_input"][k, 0]
        kept = memory @ self.p["agents.memory.weight_hidden"][k] + self.p["agents.memory.bias_hidden"][k, 0]
        r = torch.sigmoid(mine[..., :size] + kept[..., :size])
        z = torch.sigmoid(mine[..., size : 2 * size] + kept[..., size : 2 * size])
        c = torch.tanh(mine[..., 2 * size :] + r * kept[..., 2 * size :])
        return (1 - z) * c + z * memory

    def stream(self, agent, features, stream="advantages"):
        name, k = f"agents.head.streams.{stream}", self.k(agent)
        return features @ self.p[f"{name}.weight"][k] + self.p[f"{name}.bias"][k, 0]

    def q(self, agent, observations):
        return self.stream(agent, self.torso(agent, observations))


def best(values, allowed):
    return torch.where(allowed, values, torch.tensor(-math.inf, dtype=values.dtype)).argmax(-1)


def at(values, actions):
    return values[torch.arange(len(actions)), actions]


class Window:
    """A step of the windows of one seed in double precision, agents apart."""

    def __init__(self, batch, seed, step=0):
        self.o, self.o2 = batch.observations[seed, step].double(), batch.reached[seed, step].double()
        self.a, self.r = batch.actions[seed, step], batch.rewards[seed, step].double()
        self.d, self.s = batch.discounts[seed, step].double(), batch.states[seed, step].double()
        self.s2 = batch.reached_states[seed, step].double()
        self.allowed, self.allowed2 = batch.allowed[seed, step], batch.reached_allowed[seed, step]


def check_update(learner, batch, reference, share):
    """Take an update on the batch, and compare all weights with the reference's."""
    assert (batch.discounts == 0).any()
    assert (batch.ends & (batch.discounts > 0)).any()
    assert not batch.ends.all()
    learner.replay.sample = lambda *_, **__: batch
    expected = []
    for seed in range(len(SEEDS)):
        online = Plain(learner.online, seed, share, True)
        target = Plain(learner.target, seed, share, False)
        expected.append((online, target))
    before = [{name: value.detach().clone() for name, value in online.p.items()} for online, _ in expected]
    learner._update()
    for seed, (online, target) in enumerate(expected):
        loss = reference(online, target, seed)
        loss.backward()
        gradients = {name: value.grad for name, value in online.p.items()}
        if any(name.startswith("models") for name in gradients):
            gradients = {name: torch.zeros_like(online.p[name]) if g is None else g for name, g in gradients.items()}
        norm = torch.sqrt(sum((g**2).sum() for g in gradients.values()))
        assert norm > COMMON["clip"]
        after = learner.parameters.seed_slice(seed)
        for name, g in gradients.items():
            g = g * COMMON["clip"] / (norm + 1e-6)
            # The first step of Adam, whose corrected moments are the gradient and its square.
            wanted = before[seed][name] - COMMON["lr"] * g / (g.abs() + COMMON["adam_epsilon"])
            torch.testing.assert_close(after[name].double(), wanted, atol=1e-6, rtol=0, msg=lambda m, n=name: n + m)
        torch.testing.assert_close(learner.losses_seen[seed], loss.detach().float(), atol=1e-5, rtol=1e-5)


@pytest.fixture(autouse=True)
def keep_losses(monkeypatch):
    """Let a learner show the loss of its update."""
    update = ValueLearner._update

    def kept(self):
        update(self)
        self.losses_seen = self._loss.clone()

    monkeypatch.setattr(ValueLearner, "_update", kept)


@pytest.mark.parametrize("share", ["all", "none"])
@pytest.mark.parametrize("double", [True, False])
def test_an_update_of_idqn_is_the_sum_of_the_agents_squared_errors(share, double):
    learner = made_learner(IDQN(share=share, double=double, **COMMON), common_reward=False)
    batch = made_batch(team=False)

    def reference(online, target, seed):
        w, loss = Window(batch, seed), 0.0
        for i in range(AGENTS):
            there = target.q(i, w.o2[:, i])
            chosen = best(online.q(i, w.o2[:, i]) if double else there, w.allowed2[:, i])
            y = w.r[:, i] + w.d * at(there, chosen)
            loss = loss + (y - at(online.q(i, w.o[:, i]), w.a[:, i])).square()
        return loss.mean()

    check_update(learner, batch, reference, share)


def test_an_update_of_prioritised_n_step_dqn_follows_the_steps_that_were_taken():
    """The batch is the learner's own: sums, discounts, weights and priorities are made from the list of steps."""
    n, alpha, beta = 3, 0.7, 0.4
    algorithm = DQN(
        n_steps=n, prioritised=True, priority_exponent=alpha, priority_correction=beta, n_envs=2, share="none", **COMMON
    )
    learner = made_learner(algorithm, common_reward=False)
    draw = torch.Generator().manual_seed(4)
    history = []
    starts = torch.ones(len(SEEDS), 2, dtype=torch.bool)
    for _ in range(30):
        one = made_batch(team=False, seed=len(history) + 10)
        ends = torch.rand(len(SEEDS), 2, generator=draw) < 0.3
        terminated = ends & (torch.rand(len(SEEDS), 2, generator=draw) < 0.5)
        history.append((one, ends, terminated))
        learner.replay.add(
            one.observations[:, 0, :2],
            one.actions[:, 0, :2],
            one.rewards[:, 0, :2],
            terminated,
            ends & ~terminated,
            one.reached[:, 0, :2],
            starts,
            allowed=one.allowed[:, 0, :2],
            reached_allowed=one.reached_allowed[:, 0, :2],
        )
        starts = ends
    learner.steps = 250
    leaves = 0.1 + torch.rand(len(SEEDS), 60 - 2 * (n - 1), generator=draw, dtype=torch.float64)
    places = torch.arange(leaves.shape[1]).expand(len(SEEDS), -1)
    learner.replay._trees.put(places, leaves)
    drawn = []
    sample = learner.replay.sample
    learner.replay.sample = lambda *a, **k: drawn.append(sample(*a, **k)) or drawn[-1]
    before = [Plain(learner.online, seed, "none", True) for seed in range(len(SEEDS))]
    behind = [Plain(learner.target, seed, "none", False) for seed in range(len(SEEDS))]
    learner._update()
    now = beta + (1 - beta) * 250 / 1000
    for seed, (online, target) in enumerate(zip(before, behind)):
        chances = leaves[seed] / leaves[seed].sum()
        indices = drawn[0].indices[seed].tolist()
        weights = torch.tensor([(len(chances) * chances[j]) ** -now for j in indices], dtype=torch.float64)
        weights, losses, errors = weights / weights.max(), [], []
        for index in indices:
            row, copy = divmod(index, 2)
            paid, power, step = torch.zeros(AGENTS, dtype=torch.float64), 1.0, row
            while True:
                one, ends, terminated = history[step]
                paid = paid + power * one.rewards[seed, 0, copy].double()
                power *= GAMMA
                if ends[seed, copy] or step == row + n - 1:
                    break
                step += 1
            discount = 0.0 if terminated[seed, copy] else power
            first, error = history[row][0], []
            for i in range(AGENTS):
                there = target.q(i, one.reached[seed, 0, copy, i].double()[None])[0]
                own = online.q(i, one.reached[seed, 0, copy, i].double()[None])[0]
                own = there if not algorithm.double else own
                chosen = best(own, one.reached_allowed[seed, 0, copy, i])
                value = online.q(i, first.observations[seed, 0, copy, i].double()[None])[0]
                error.append(paid[i] + discount * there[chosen] - value[first.actions[seed, 0, copy, i]])
            errors.append(sum(float(e.detach().abs()) for e in error) / AGENTS)
            losses.append(sum(e.square() for e in error))
        loss = (weights * torch.stack(losses)).mean()
        torch.testing.assert_close(learner.losses_seen[seed], loss.detach().float(), atol=1e-5, rtol=1e-5)
        loss.backward()
        norm = torch.sqrt(sum((p.grad**2).sum() for p in online.p.values()))
        after = learner.parameters.seed_slice(seed)
        for name, p in online.p.items():
            g = p.grad * min(1.0, COMMON["clip"] / (norm + 1e-6))
            wanted = p.detach() - COMMON["lr"] * g / (g.abs() + COMMON["adam_epsilon"])
            torch.testing.assert_close(after[name].double(), wanted, atol=1e-6, rtol=0)
        for index, error in zip(indices, errors):
            assert float(learner.replay._trees.leaves[seed, index]) == pytest.approx((error + 1e-6) ** alpha, rel=1e-4)
        untouched = sorted(set(range(leaves.shape[1])) - set(indices))
        assert torch.equal(learner.replay._trees.leaves[seed, untouched], leaves[seed, untouched])


@pytest.mark.parametrize("recurrent", [False, True])
def test_an_update_of_c51_is_the_cross_entropy_to_the_projection(recurrent):
    atoms, low, high = 7, -2.0, 3.0
    more = {"recurrent": True, "trace": 0.0, "sequence_length": 3} if recurrent else {}
    learner = made_learner(
        C51(v_min=low, v_max=high, n_atoms=atoms, dueling=True, double=True, share="all", **more, **COMMON)
    )
    length = 3 if recurrent else 1
    batch = made_batch(length, COMMON["hidden"][-1] if recurrent else 0)
    z = torch.linspace(low, high, atoms, dtype=torch.float64)
    gap = (high - low) / (atoms - 1)

    def logits(net, agent, features):
        advantages = net.stream(agent, features).view(-1, ACTIONS, atoms)
        return net.stream(agent, features, "value")[:, None] + advantages - advantages.mean(1, keepdim=True)

    def reference(online, target, seed):
        loss = 0.0
        for i in range(AGENTS):
            memories = {net: None if not recurrent else batch.memory[seed, :, i].double() for net in (online, target)}
            for t in range(length):
                w, here, there = Window(batch, seed, t), {}, {}
                for net in (online, target):
                    features, after = net.torso(i, w.o[:, i]), net.torso(i, w.o2[:, i])
                    if recurrent:
                        old = torch.where(batch.starts[seed, t, :, None], 0.0, memories[net])
                        features = memories[net] = net.remember(i, features, old)
                        after = net.remember(i, after, features)
                    here[net], there[net] = logits(net, i, features), logits(net, i, after)
                chosen = best((there[online].softmax(-1) * z).sum(-1), w.allowed2[:, i])
                p = at(there[target], chosen).softmax(-1)
                m = torch.zeros_like(p)
                for j, k in itertools.product(range(atoms), range(atoms)):
                    moved = (w.r[:, i] + w.d * z[j]).clamp(low, high)
                    m[:, k] += p[:, j] * (1 - (moved - z[k]).abs() / gap).clamp(0, 1)
                loss = loss - (m.detach() * at(here[online], w.a[:, i]).log_softmax(-1)).sum(-1) / length
        return loss.mean()

    check_update(learner, batch, reference, "all")


def quantile_huber(quantiles, targets, fractions, kappa):
    """Sum over quantiles i, mean over targets j, of |tau_i - 1{u < 0}| L(u) / kappa."""
    total = 0.0
    for i, j in itertools.product(range(quantiles.shape[1]), range(targets.shape[1])):
        u = targets[:, j].detach() - quantiles[:, i]
        huber = torch.where(u.abs() <= kappa, 0.5 * u**2, kappa * (u.abs() - 0.5 * kappa))
        total = total + (fractions[:, i] - (u.detach() < 0).double()).abs() * huber / kappa / targets.shape[1]
    return total


def test_an_update_of_qr_dqn_is_the_quantile_huber_loss():
    n, kappa = 5, 0.6
    learner = made_learner(QRDQN(n_quantiles=n, kappa=kappa, share="none", **COMMON))
    batch = made_batch()
    fractions = ((2 * torch.arange(n, dtype=torch.float64) + 1) / (2 * n)).expand(WINDOWS, -1)

    def reference(online, target, seed):
        w, loss = Window(batch, seed), 0.0
        for i in range(AGENTS):
            there = target.q(i, w.o2[:, i]).view(-1, ACTIONS, n)
            chosen = best(there.mean(-1), w.allowed2[:, i])
            targets = w.r[:, i, None] + w.d[:, None] * at(there, chosen)
            own = at(online.q(i, w.o[:, i]).view(-1, ACTIONS, n), w.a[:, i])
            loss = loss + quantile_huber(own, targets, fractions, kappa)
        return loss.mean()

    check_update(learner, batch, reference, "none")


@pytest.mark.parametrize("double", [True, False])
def test_an_update_of_iqn_compares_all_pairs_of_the_fractions_drawn(double, monkeypatch):
    n, n_target, n_acting, cosines, kappa = 4, 3, 5, 6, 0.8
    settings = {"n_samples": n, "n_target_samples": n_target, "n_acting_samples": n_acting, "n_cosines": cosines}
    learner = made_learner(IQN(kappa=kappa, share="none", double=double, **settings, **COMMON))
    batch = made_batch()
    drawn, draw = [], heads.sample_fractions
    monkeypatch.setattr(heads, "sample_fractions", lambda *a, **k: drawn.append(draw(*a, **k)) or drawn[-1])
    midpoints = ((torch.arange(n_acting, dtype=torch.float64) + 0.5) / n_acting).expand(WINDOWS, -1)

    def quantiles(net, agent, observations, fractions):
        features = net.torso(agent, observations)
        shape = (*fractions.shape, cosines)
        waves = torch.cos(math.pi * torch.arange(cosines, dtype=torch.float64).expand(shape) * fractions[..., None])
        embedded = waves @ net.p["agents.head.embedding.weight"][agent] + net.p["agents.head.embedding.bias"][agent, 0]
        return net.stream(agent, features[:, None] * embedded.relu()).transpose(1, 2)

    def reference(online, target, seed):
        w, loss = Window(batch, seed), 0.0
        for i in range(AGENTS):
            mine, theirs = (fractions[seed * AGENTS + i].double() for fractions in drawn)
            asked = quantiles(online if double else target, i, w.o2[:, i], midpoints).mean(-1)
            chosen = best(asked, w.allowed2[:, i])
            there = at(quantiles(target, i, w.o2[:, i], theirs), chosen)
            own = at(quantiles(online, i, w.o[:, i], mine), w.a[:, i])
            loss = loss + quantile_huber(own, w.r[:, i, None] + w.d[:, None] * there, mine, kappa)
        return loss.mean()

    check_update(learner, batch, reference, "none")
    assert [fractions.shape[-1] for fractions in drawn] == [n, n_target]
    assert len(torch.stack([drawn[0][:2], drawn[0][2:]]).unique(dim=0)) == 2


def mixed(net, utilities, states):
    """QMIX's mixing network as figure 2 of the paper draws it."""
    e = 4
    made = states @ net.p["mixer.lower.weight"][0] + net.p["mixer.lower.bias"][0, 0]
    inner, outer, hidden, shift = made.split([AGENTS * e, e, e, e], -1)
    total = shift
    for i in range(AGENTS):
        total = total + utilities[:, i, None] * inner[:, i * e : (i + 1) * e].abs()
    value = hidden.relu() @ net.p["mixer.value.weight"][0] + net.p["mixer.value.bias"][0, 0]
    return (torch.where(total > 0, total, total.exp() - 1) * outer.abs()).sum(-1) + value[:, 0]


@pytest.mark.parametrize("kind", ["VDN", "QMIX"])
@pytest.mark.parametrize("recurrent", [False, True])
def test_an_update_of_vdn_and_qmix_is_the_error_of_the_mixed_value(kind, recurrent):
    trace, length = 0.7, 4 if recurrent else 1
    more = {"recurrent": True, "trace": trace, "sequence_length": length} if recurrent else {}
    algorithm = VDN(**more, **COMMON) if kind == "VDN" else QMIX(embedding=4, **more, **COMMON)
    learner = made_learner(algorithm)
    batch = made_batch(length, COMMON["hidden"][-1] if recurrent else 0)

    def total(net, utilities, states):
        return utilities.sum(-1) if kind == "VDN" else mixed(net, utilities, states)

    def reference(online, target, seed):
        nets = (online, target)
        memory = {(net, i): batch.memory[seed, :, i].double() if recurrent else None for net in nets for i in range(2)}
        values, later = [], []
        for t in range(length):
            w, own, next_own = Window(batch, seed, t), [], []
            for i in range(AGENTS):
                here, there = {}, {}
                for net in nets:
                    features, after = net.torso(i, w.o[:, i]), net.torso(i, w.o2[:, i])
                    if recurrent:
                        old = torch.where(batch.starts[seed, t, :, None], 0.0, memory[net, i])
                        features = memory[net, i] = net.remember(i, features, old)
                        after = net.remember(i, after, features)
                    here[net], there[net] = net.stream(i, features), net.stream(i, after)
                own.append(at(here[online], w.a[:, i]))
                next_own.append(at(there[target], best(there[online], w.allowed2[:, i])))
            values.append(total(online, torch.stack(own, -1), w.s))
            later.append(total(target, torch.stack(next_own, -1), w.s2).detach())
        loss = 0.0
        for r, t in itertools.product(range(WINDOWS), range(length)):
            # Forward in time: rewards until an end or the window's, each step bootstrapped by its share.
            ret, carried, k = 0.0, 1.0, t
            while True:
                w = Window(batch, seed, k)
                last = bool(batch.ends[seed, k, r]) or k == length - 1
                share = 1.0 if last else 1 - trace
                ret = ret + carried * (w.r[r, 0] + w.d[r] * share * later[k][r])
                if last:
                    break
                carried, k = carried * w.d[r] * trace, k + 1
            loss = loss + (values[t][r] - ret).square() / (WINDOWS * length)
        return loss

    check_update(learner, batch, reference, "all")


def encoded(net, name, features, actions, n_actions):
    """The sum over agents of relu(W (h_i, one-hot of the pair of agent and action) + b)."""
    total = 0.0
    for i in range(AGENTS):
        pair = torch.zeros(len(actions), AGENTS * n_actions, dtype=torch.float64)
        pair[torch.arange(len(actions)), i * n_actions + actions[:, i]] = 1.0
        row = torch.cat((features[i], pair), -1) @ net.p[f"{name}.encoder.linear.weight"][0]
        total = total + (row + net.p[f"{name}.encoder.linear.bias"][0, 0]).relu()
    return total


@pytest.mark.parametrize("variant", ["base", "alt"])
@pytest.mark.parametrize("joint", ["network", "table"])
def test_an_update_of_qtran_is_the_sum_of_its_three_losses(variant, joint):
    weights = {"optimal_weight": 0.8, "not_optimal_weight": 1.3}
    learner = made_learner(QTRAN(variant=variant, joint=joint, **weights, **COMMON))
    batch = made_batch()
    elu = torch.nn.functional.elu

    def joint_value(net, features, actions, states):
        if joint == "network":
            return net.layers(
                "joint.head", 0, torch.cat((encoded(net, "joint", features, actions, ACTIONS), states), -1), elu
            )[:, 0]
        flat = net.layers("joint.head", 0, torch.cat((*features, states), -1), elu)
        return at(flat, actions[:, 0] * ACTIONS + actions[:, 1])

    def reference(online, target, seed):
        w, agents = Window(batch, seed), range(AGENTS)
        features = [online.torso(i, w.o[:, i]) for i in agents]
        q = [online.stream(i, features[i]) for i in agents]
        behind = [target.torso(i, w.o2[:, i]) for i in agents]
        chosen = torch.stack([best(online.q(i, w.o2[:, i]), w.allowed2[:, i]) for i in agents], -1)
        y = w.r[:, 0] + w.d * joint_value(target, behind, chosen, w.s2)
        td = (joint_value(online, features, w.a, w.s) - y.detach()).square()
        nothing = torch.zeros_like(w.a)
        v = online.layers("value.head", 0, torch.cat((encoded(online, "value", features, nothing, 1), w.s), -1), elu)

        def gap(actions):
            return (
                sum(at(q[i], actions[:, i]) for i in agents)
                - joint_value(online, features, actions, w.s).detach()
                + v[:, 0]
            )

        greedy = torch.stack([best(q[i].detach(), w.allowed[:, i]) for i in agents], -1)
        loss = td + weights["optimal_weight"] * gap(greedy).square()
        if variant == "base":
            return (loss + weights["not_optimal_weight"] * gap(w.a).clamp(max=0).square()).mean()
        for i in agents:
            options = []
            for action in range(ACTIONS):
                other = w.a.clone()
                other[:, i] = action
                options.append(torch.where(w.allowed[:, i, action], gap(other), math.inf))
            least = torch.stack(options, -1).min(-1).values
            loss = loss + weights["not_optimal_weight"] * least.square() / AGENTS
        return loss.mean()

    check_update(learner, batch, reference, "all")


@pytest.mark.parametrize("share", ["all", "none"])
def test_an_update_of_jal_am_is_the_joint_errors_and_the_models_cross_entropies(share):
    weight = 0.6
    learner = made_learner(JALAM(share=share, model_weight=weight, **COMMON), common_reward=False)
    batch = made_batch(team=False)

    def model(net, i, features):
        return net.layers("models.layers", net.k(i), features, torch.relu).view(-1, AGENTS, ACTIONS)

    def reference(online, target, seed):
        w, loss = Window(batch, seed), 0.0
        for i in range(AGENTS):
            other = 1 - i
            features = online.torso(i, w.o[:, i])
            joint = online.stream(i, features).view(-1, ACTIONS, ACTIONS)
            # The first agent's action is the first axis of the joint values, whoever's they are.
            taken = joint[torch.arange(WINDOWS), w.a[:, 0], w.a[:, 1]]
            there = target.q(i, w.o2[:, i]).view(-1, ACTIONS, ACTIONS)
            believed = model(online, i, online.torso(i, w.o2[:, i]))[:, other].softmax(-1).detach()
            mine_first = there if i == 0 else there.transpose(1, 2)
            expected = (mine_first * believed[:, None]).sum(-1)
            y = w.r[:, i] + w.d * at(expected, best(expected, w.allowed2[:, i]))
            said = model(online, i, features.detach())[:, other].log_softmax(-1)
            loss = loss + (y.detach() - taken).square() - weight * at(said, w.a[:, other])
        return loss.mean()

    check_update(learner, batch, reference, share)
