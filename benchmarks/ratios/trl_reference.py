"""TRL's DPOTrainer on the CPU, on the model that Zephyr saved and the same pairs, log-probabilities of the reference computed before."""

import os
import tempfile
import time

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl import DPOConfig, DPOTrainer

from workload import BATCH, FOLDER, ROUNDS, THREADS, VOCABULARY, dpo_case, line, random_pairs

torch.set_num_threads(THREADS)


class Pairs(DPOTrainer):
    def _prepare_dataset(self, dataset, *_):
        # They are token ids already; of text, TRL would end each answer with a token more.
        return dataset


class Clock(TrainerCallback):
    times, loss = [], None

    def on_step_begin(self, *_, **__):
        self.start = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.times.append((time.perf_counter() - self.start) * 1e3)

    def on_log(self, _, __, ___, logs, **____):
        self.loss = logs.get("loss", self.loss)


rows = [{"prompt_ids": p, "chosen_ids": c, "rejected_ids": r} for p, c, r in random_pairs()]
words = {str(token): token for token in range(VOCABULARY)}
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="0")), pad_token="0", eos_token="1"
)
clock = Clock()
with tempfile.TemporaryDirectory() as folder:
    config = DPOConfig(
        output_dir=os.path.join(folder, "run"),
        beta=0.1,
        learning_rate=2e-5,
        lr_scheduler_type="constant",
        weight_decay=0.0,
        max_grad_norm=1.0,
        per_device_train_batch_size=BATCH,
        max_steps=ROUNDS + 2,
        precompute_ref_log_probs=True,
        gradient_checkpointing=False,
        max_length=None,
        bf16=False,
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
    trainer = Pairs(model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer, callbacks=[clock])
    trainer.train()
line("trl-cpu", dpo_case(), sorted(clock.times[2:]), loss=clock.loss)
