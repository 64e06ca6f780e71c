// The yardstick: Kafka -> simdjson -> series buffers -> COPY segments. No offsets, no guarantees; no twins unless asked for.
//
//   g++ -O2 -std=c++17 -w pipeline.cpp -o pipeline -lrdkafka -lpq -lsimdjson -lpthread
//   ./pipeline BROKERS TOPIC EVENTS POSTGRES EPOCH [PARTITIONS] [--telemetry] [--twins]
//
// From ../shared/yardstick; what it does for an event and at a flush is the same. Added: the number of partitions, `--telemetry`
// (the parser of that format), and `--twins` (goal 1, many machines: the last value of each path and the revision are kept for each
// thing, and a flush upserts one JSON document for each thing it touched, by COPY into a staging table).
#include <librdkafka/rdkafka.h>
#include <postgresql/libpq-fe.h>
#include <simdjson.h>
#include <charconv>
#include <unordered_map>
#include <string>
#include <vector>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <endian.h>
#include <thread>
#include <mutex>
#include <condition_variable>
#include <deque>
static double now(){timespec t;clock_gettime(CLOCK_MONOTONIC,&t);return t.tv_sec+t.tv_nsec/1e9;}
struct Series{std::vector<int64_t>ts;std::vector<double>v;double last=0;};
struct Thing{std::string id;std::vector<std::pair<std::string,int>>paths;int64_t revision=0,t=0;bool dirty=false;};
struct Job{std::string segments,twins;};
static int64_t two(const char*s){return (s[0]-'0')*10+s[1]-'0';}
struct Out:std::string{using std::string::string;
 void p16(int16_t x){x=htobe16(x);append((char*)&x,2);}void p32(int32_t x){x=htobe32(x);append((char*)&x,4);}void p64(int64_t x){x=htobe64(x);append((char*)&x,8);}
 void text(std::string_view s){p32(s.size());append(s);}};
static const char copyHead[]="PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
// {"features":{"f0":{"properties":{"temperature":21.5}}}} of the last values; paths are /features/F/properties/P or /features/F/P.
static void document(const Thing&th,const std::vector<Series>&ss,std::string&o){
 o.assign("{\"features\":{");bool first=true;char num[32];
 for(auto&[path,id]:th.paths){auto a=path.find('/',10),b=path.rfind('/');if(!first)o+=',';first=false;
  o+='"';o.append(path,10,a-10);o+="\":{\"properties\":{\"";o.append(path,b+1);o+="\":";
  auto r=std::to_chars(num,num+32,ss[id].last);o.append(num,r.ptr-num);o+="}}";}
 o+="}}";}
int main(int c,char**v){
 bool telemetry=false,twins=false;int args=0;for(int i=0;i<c;i++){if(!strcmp(v[i],"--telemetry"))telemetry=true;else if(!strcmp(v[i],"--twins"))twins=true;else v[args++]=v[i];}c=args;
 if(c<6){fputs("usage: pipeline BROKERS TOPIC EVENTS POSTGRES EPOCH [PARTITIONS] [--telemetry] [--twins]\n",stderr);return 2;}
 const char*broker=v[1],*topic=v[2];long N=atol(v[3]);const char*pg=v[4];long epoch=atol(v[5]);int parts=c>6?atoi(v[6]):4;
 char e[512];rd_kafka_conf_t*cf=rd_kafka_conf_new();
 auto set=[&](const char*k,const char*x){if(rd_kafka_conf_set(cf,k,x,e,512))puts(e);};
 set("bootstrap.servers",broker);set("group.id","lim");set("enable.auto.commit","false");set("queued.min.messages","1000000");set("queued.max.messages.kbytes","200000");set("check.crcs","false");
 rd_kafka_t*rk=rd_kafka_new(RD_KAFKA_CONSUMER,cf,e,512);rd_kafka_poll_set_consumer(rk);
 auto*l=rd_kafka_topic_partition_list_new(1);for(int p=0;p<parts;p++)rd_kafka_topic_partition_list_add(l,topic,p)->offset=0;rd_kafka_assign(rk,l);
 auto*q=rd_kafka_queue_get_consumer(rk);
 std::mutex mu;std::condition_variable cv;std::deque<Job>jobs;bool done=false;
 std::thread writer([&]{PGconn*pc=PQconnectdb(pg);auto run=[&](const char*sql){auto*r=PQexec(pc,sql);if(PQresultStatus(r)!=PGRES_COMMAND_OK)puts(PQerrorMessage(pc));PQclear(r);};
  PQexec(pc,"drop table if exists lim;create table lim(series int,t0 timestamptz,t1 timestamptz,ts timestamptz[],v float8[],primary key(series,t0))");
  if(twins)PQexec(pc,"drop table if exists lim_twin;create table lim_twin(thing text primary key,revision bigint,modified timestamptz,document json);create temp table stage(like lim_twin) on commit delete rows");
  auto copy=[&](const char*sql,const std::string&b){auto*r=PQexec(pc,sql);PQclear(r);for(size_t o=0;o<b.size();o+=65536)PQputCopyData(pc,b.data()+o,std::min<size_t>(65536,b.size()-o));PQputCopyEnd(pc,0);r=PQgetResult(pc);if(PQresultStatus(r)!=PGRES_COMMAND_OK)puts(PQerrorMessage(pc));PQclear(r);while((r=PQgetResult(pc)))PQclear(r);};
  for(;;){Job b;{std::unique_lock<std::mutex>k(mu);cv.wait(k,[&]{return done||!jobs.empty();});if(jobs.empty())break;b=std::move(jobs.front());jobs.pop_front();cv.notify_all();}
   PQexec(pc,"begin");copy("copy lim from stdin binary",b.segments);
   if(twins){copy("copy stage from stdin binary",b.twins);run("insert into lim_twin select * from stage on conflict(thing) do update set revision=excluded.revision,modified=excluded.modified,document=excluded.document");}
   PQexec(pc,"commit");}
 });
 std::unordered_map<std::string,int>ids,things;std::vector<Series>ss;std::vector<int>dirty;std::vector<Thing>ths;std::vector<int>dirtyThings;
 simdjson::ondemand::parser ps;std::vector<char>buf(1<<20);
 long n=0,since=0,segs=0;double t0=0;rd_kafka_message_t*m[4096];std::string key,path2,doc;
 auto flush=[&]{Out o(copyHead,19);
  for(int d:dirty){auto&s=ss[d];int k=s.ts.size();o.p16(5);o.p32(4);o.p32(d);o.p32(8);o.p64(s.ts[0]+segs++);o.p32(8);o.p64(s.ts.back());
   o.p32(20+12*k);o.p32(1);o.p32(0);o.p32(1184);o.p32(k);o.p32(1);for(auto x:s.ts){o.p32(8);o.p64(x);}
   o.p32(20+12*k);o.p32(1);o.p32(0);o.p32(701);o.p32(k);o.p32(1);for(auto x:s.v){int64_t y;memcpy(&y,&x,8);o.p32(8);o.p64(y);}
   if(twins)s.last=s.v.back();s.ts.clear();s.v.clear();}
  o.p16(-1);dirty.clear();since=0;Out w(copyHead,19);
  if(twins){for(int i:dirtyThings){auto&th=ths[i];th.dirty=false;document(th,ss,doc);w.p16(4);w.text(th.id);w.p32(8);w.p64(th.revision);w.p32(8);w.p64(th.t);w.text(doc);}dirtyThings.clear();w.p16(-1);}
  std::unique_lock<std::mutex>k(mu);cv.wait(k,[&]{return jobs.size()<4;});jobs.push_back({std::move(o),std::move(w)});cv.notify_all();};
 while(n<N){ssize_t k=rd_kafka_consume_batch_queue(q,100,m,4096);if(k>0&&!n)t0=now();
  for(int i=0;i<k;i++){if(m[i]->err){rd_kafka_message_destroy(m[i]);continue;}
   memcpy(buf.data(),m[i]->payload,m[i]->len);memset(buf.data()+m[i]->len,0,64);
   auto d=ps.iterate(buf.data(),m[i]->len,buf.size());std::string_view path,tsv;double val=0;int64_t rev=0;bool sample=true;
   if(telemetry){for(auto f:d.get_object()){std::string_view kk=f.unescaped_key().value_unsafe();if(kk=="timestamp")tsv=f.value().get_string().value_unsafe();else if(kk=="features")
     for(auto g:f.value().get_object()){path2.assign("/features/").append(g.unescaped_key().value_unsafe());for(auto h:g.value().get_object()){path2.append("/").append(h.unescaped_key().value_unsafe());val=h.value().get_double().value_unsafe();}}}path=path2;}
   else for(auto f:d.get_object()){std::string_view kk=f.unescaped_key().value_unsafe();if(kk=="path")path=f.value().get_string().value_unsafe();else if(kk=="value"){auto x=f.value().get_double();sample=!x.error();val=x.value_unsafe();}else if(kk=="timestamp")tsv=f.value().get_string().value_unsafe();else if(twins&&kk=="revision")rev=f.value().get_int64().value_unsafe();}
   const char*z=tsv.data();int64_t t=((two(z+8)*24+two(z+11))*3600+two(z+14)*60+two(z+17))*1000000LL+((z[20]-'0')*100+two(z+21))*1000;
   key.assign((char*)m[i]->key,m[i]->key_len);Thing*th=nullptr;
   if(twins){auto it=things.find(key);int id;if(it==things.end()){id=ths.size();things.emplace(key,id);ths.emplace_back();ths[id].id=key;}else id=it->second;
    th=&ths[id];th->revision=telemetry?th->revision+1:rev;th->t=t;if(!th->dirty){th->dirty=true;dirtyThings.push_back(id);}}
   if(sample||!twins){key.append(path);
    auto it=ids.find(key);int id;if(it==ids.end()){id=ss.size();ids.emplace(key,id);ss.emplace_back();if(th)th->paths.emplace_back(path,id);}else id=it->second;
    auto&s=ss[id];if(s.ts.empty())dirty.push_back(id);s.ts.push_back(t);s.v.push_back(val);}
   n++;since++;
   rd_kafka_message_destroy(m[i]);}
  if(since>=epoch)flush();}
 double tp=now();flush();{std::unique_lock<std::mutex>k(mu);done=true;cv.notify_all();}writer.join();double t1=now();
 printf("%ld events, %zu series, %ld segments, parse done %.2fs, committed %.2fs => %.0f events/s\n",n,ss.size(),segs,tp-t0,t1-t0,n/(t1-t0));
}
