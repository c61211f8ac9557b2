import { collectRows, loadTokenizer, randomFor, rowsOf, tokenizeDialogues, tokenizeParallel } from "@zephyr/data";
import { dialogueLength, dialogueOf, words } from "./generate.ts";
const n=Number(process.argv[2]); const folder=new URL("../../packages/data/src/fixtures/mistral", import.meta.url).pathname;
const tokenizer=await loadTokenizer(folder);
const rows=Array.from({length:n},(_, i)=>{const r=randomFor(10,i);return dialogueOf(words(r,dialogueLength(r)),`chat-${i}`)});
const opt={maxLength:4096,onReport:()=>undefined};
const go=async(name,stage)=>{const c=process.cpuUsage(),t=performance.now(),e=performance.eventLoopUtilization();const out=await collectRows(stage(rowsOf(rows)));const d=process.cpuUsage(c);const tok=out.reduce((s,r)=>s+r.input_ids.length,0);const w=(performance.now()-t)/1000;console.log(name,'wall',w.toFixed(2),'cpu',((d.user+d.system)/1e6).toFixed(2),'tok/s',(tok/w).toFixed(0),'tok/cpu s',(tok/((d.user+d.system)/1e6)).toFixed(0),'main elu',performance.eventLoopUtilization(e).utilization.toFixed(2))};
await go('warm',tokenizeDialogues(tokenizer,opt));
for(let k=0;k<2;k++){await go('one',tokenizeDialogues(tokenizer,opt));await go('1 worker',tokenizeParallel(tokenizer,{kind:'dialogues',workers:1,...opt}));await go('2 workers',tokenizeParallel(tokenizer,{kind:'dialogues',workers:2,...opt}));}
