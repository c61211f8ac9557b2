"""PyTorch on the CPU: log-probability, a whole DPO step and greedy generation with a key-value cache, on the model that Zephyr saved."""

import json
import math

import torch
import torch.nn.functional as F

from workload import BATCH, FOLDER, GROUPS, HEADS, LAYERS, THREADS, VOCABULARY, WIDTH
from workload import clock, dpo_case, line, numbers, random_ids, random_pairs, uniform

PEER = "torch-cpu"
torch.set_num_threads(THREADS)


def time_logps():
    rows, width, vocabulary = numbers("LOGPS")
    case = ",".join(map(str, (rows, width, vocabulary)))
    x = torch.tensor(uniform(rows * width, 1)).view(rows, width)
    head = torch.tensor(uniform(vocabulary * width, 2)).view(vocabulary, width) * (3 / math.sqrt(width))
    targets = torch.tensor(random_ids(rows, vocabulary, 3))

    def forward():
        with torch.no_grad():
            return -F.cross_entropy(F.linear(x, head), targets).item()

    times, logp = clock(forward)
    line(PEER, f"logps_fwd_{case}", times, logp=logp)
    x.requires_grad_()
    head.requires_grad_()

    def backward():
        x.grad = head.grad = None
        loss = F.cross_entropy(F.linear(x, head), targets)
        loss.backward()
        return -loss.item()

    times, logp = clock(backward)
    norm = math.sqrt(x.grad.square().sum().item() + head.grad.square().sum().item())
    line(PEER, f"logps_fwdbwd_{case}", times, logp=logp, grad_norm=norm)


def load_weights():
    """Tensors of a safetensors file of float32 numbers: a length, a header in JSON, then the bytes."""
    with open(f"{FOLDER}/model.safetensors", "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    return {
        name: torch.frombuffer(data, dtype=torch.float32, count=math.prod(entry["shape"]), offset=entry["data_offsets"][0])
        .view(entry["shape"])
        .clone()
        for name, entry in header.items()
    }


def load_config():
    with open(f"{FOLDER}/config.json") as file:
        return json.load(file)


class Llama:
    def __init__(self):
        self.weights = load_weights()
        config = load_config()
        self.eps = config.get("rms_norm_eps", 1e-6)
        size = WIDTH // HEADS
        self.frequencies = config.get("rope_theta", 10000.0) ** -(torch.arange(0, size, 2) / size)

    def norm(self, x, name):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weights[name]

    def forward(self, ids, cache=None):
        """Hidden states [batch, tokens, width] after the final norm; `cache` holds keys and values of the tokens before, by layer."""
        batch, tokens = ids.shape
        first = cache[0][0].shape[2] if cache else 0
        angles = torch.outer(torch.arange(first, first + tokens), self.frequencies).repeat(1, 2)
        cos, sin = angles.cos(), angles.sin()
        turn = lambda y: y * cos + torch.cat((-y[..., y.shape[-1] // 2 :], y[..., : y.shape[-1] // 2]), -1) * sin
        hidden = self.weights["model.embed_tokens.weight"][ids]
        for layer in range(LAYERS):
            prefix = f"model.layers.{layer}"
            x = self.norm(hidden, f"{prefix}.input_layernorm.weight")
            project = lambda name: F.linear(x, self.weights[f"{prefix}.self_attn.{name}_proj.weight"]).view(batch, tokens, HEADS, -1).transpose(1, 2)
            q, k, v = turn(project("q")), turn(project("k")), project("v")
            if cache is not None:
                if first:
                    k, v = torch.cat((cache[layer][0], k), 2), torch.cat((cache[layer][1], v), 2)
                    cache[layer] = (k, v)
                else:
                    cache.append((k, v))
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=first == 0)
            hidden = hidden + F.linear(attended.transpose(1, 2).reshape(batch, tokens, WIDTH), self.weights[f"{prefix}.self_attn.o_proj.weight"])
            x = self.norm(hidden, f"{prefix}.post_attention_layernorm.weight")
            gate, up = (F.linear(x, self.weights[f"{prefix}.mlp.{name}_proj.weight"]) for name in ("gate", "up"))
            hidden = hidden + F.linear(F.silu(gate) * up, self.weights[f"{prefix}.mlp.down_proj.weight"])
        return self.norm(hidden, "model.norm.weight")

    def logits(self, hidden):
        return F.linear(hidden, self.weights["lm_head.weight"])


def time_dpo():
    model = Llama()
    pairs = random_pairs()
    prompt = len(pairs[0][0])
    ids = torch.tensor([p + c for p, c, _ in pairs] + [p + r for p, _, r in pairs])
    targets = ids[:, prompt:]

    def sequence_logps():
        # The answer's tokens are predicted by those before them; no other logits are needed.
        logits = model.logits(model.forward(ids)[:, prompt - 1 : -1])
        return -F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").sum(1)

    with torch.no_grad():
        reference = sequence_logps()
    parameters = list(model.weights.values())
    for parameter in parameters:
        parameter.requires_grad_()
    optimizer = torch.optim.AdamW(parameters, lr=2e-5, weight_decay=0)

    def step():
        rewards = 0.1 * (sequence_logps() - reference)
        loss = -F.logsigmoid(rewards[:BATCH] - rewards[BATCH:]).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return loss.item()

    times, loss = clock(step)
    line(PEER, dpo_case(), times, loss=loss)


def time_generation():
    prompts, length, drawn = numbers("GENERATE")
    model = Llama()
    ids = torch.tensor(random_ids(prompts * length, VOCABULARY, 99)).view(prompts, length)

    @torch.inference_mode()
    def generate():
        cache, tokens, logps = [], ids, []
        for _ in range(drawn):
            logits = model.logits(model.forward(tokens, cache)[:, -1])
            best = F.log_softmax(logits, -1).max(-1)
            tokens = best.indices[:, None]
            logps.append(best.values)
        return torch.stack(logps).mean().item()

    times, logp = clock(generate)
    line(PEER, f"generate_{prompts},{length},{drawn}", times, per=prompts * drawn, logp=logp)


for group, measure in {"logps": time_logps, "dpo_step": time_dpo, "generate": time_generation}.items():
    if group in GROUPS:
        measure()
